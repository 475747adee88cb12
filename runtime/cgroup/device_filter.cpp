#include "runtime/cgroup/device_filter.h"

#include "runtime/base/error.h"
#include "runtime/sys/bpf.h"
#include "runtime/sys/fd.h"

namespace agentsafe::cgroup {
namespace {

// Registers. The kernel passes the request (struct bpf_cgroup_dev_ctx) in r1.
constexpr std::uint8_t r_result = BPF_REG_0;
constexpr std::uint8_t r_request = BPF_REG_1;
constexpr std::uint8_t r_kind = BPF_REG_2;
constexpr std::uint8_t r_pending = BPF_REG_3;  // the access bits that no rule has decided yet
constexpr std::uint8_t r_major = BPF_REG_4;
constexpr std::uint8_t r_minor = BPF_REG_5;
constexpr std::uint8_t r_scratch = BPF_REG_6;

bpf_insn instruction(unsigned code, std::uint8_t destination, std::uint8_t source, std::size_t offset,
                     std::uint32_t value) {
  bpf_insn insn{};
  insn.code = static_cast<std::uint8_t>(code);
  insn.dst_reg = destination & 0xFU;
  insn.src_reg = source & 0xFU;
  insn.off = static_cast<std::int16_t>(offset);
  insn.imm = static_cast<std::int32_t>(value);
  return insn;
}
bpf_insn load(std::uint8_t to, std::size_t offset) {
  return instruction(BPF_LDX | BPF_MEM | BPF_W, to, r_request, offset, 0);
}
bpf_insn copy(std::uint8_t to, std::uint8_t from) { return instruction(BPF_ALU | BPF_MOV | BPF_X, to, from, 0, 0); }
bpf_insn set(std::uint8_t to, std::uint32_t value) { return instruction(BPF_ALU | BPF_MOV | BPF_K, to, 0, 0, value); }
bpf_insn mask(std::uint8_t to, std::uint32_t value) { return instruction(BPF_ALU | BPF_AND | BPF_K, to, 0, 0, value); }
bpf_insn shift_right(std::uint8_t to, std::uint32_t bits) {
  return instruction(BPF_ALU | BPF_RSH | BPF_K, to, 0, 0, bits);
}
// Jumps `skip` instructions ahead if the register is (not) the value: 32 bits wide, so that major 2³²-1 compares right.
bpf_insn jump_unless(std::uint8_t reg, std::uint32_t value, std::size_t skip) {
  return instruction(BPF_JMP32 | BPF_JNE | BPF_K, reg, 0, skip, value);
}
bpf_insn jump_if(std::uint8_t reg, std::uint32_t value, std::size_t skip) {
  return instruction(BPF_JMP32 | BPF_JEQ | BPF_K, reg, 0, skip, value);
}
bpf_insn leave() { return instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0); }

std::uint32_t kernel_kind(DeviceKind kind) {
  return kind == DeviceKind::block ? static_cast<std::uint32_t>(BPF_DEVCG_DEV_BLOCK)
                                   : static_cast<std::uint32_t>(BPF_DEVCG_DEV_CHAR);
}

// What a matching rule does. Allow: its bits are settled, and when none is left the request is granted.
// Deny: a bit that is still open is refused. A rule about all bits leaves none open.
std::vector<bpf_insn> verdict(const DeviceRule& rule) {
  if (rule.access == access_all) return {set(r_result, rule.allow ? 1 : 0), leave()};
  if (rule.allow) return {mask(r_pending, ~rule.access), jump_unless(r_pending, 0, 2), set(r_result, 1), leave()};
  return {copy(r_scratch, r_pending), mask(r_scratch, rule.access), jump_if(r_scratch, 0, 2), set(r_result, 0),
          leave()};
}

bool decides_everything(const DeviceRule& rule) {
  return rule.access == access_all && rule.kind == DeviceKind::any && !rule.major && !rule.minor;
}

void append_rule(std::vector<bpf_insn>& program, const DeviceRule& rule) {
  const auto body = verdict(rule);
  std::vector<std::pair<std::uint8_t, std::uint32_t>> conditions;
  if (rule.kind != DeviceKind::any) conditions.emplace_back(r_kind, kernel_kind(rule.kind));
  if (rule.major) conditions.emplace_back(r_major, *rule.major);
  if (rule.minor) conditions.emplace_back(r_minor, *rule.minor);
  for (std::size_t i = 0; i < conditions.size(); ++i)
    program.push_back(jump_unless(conditions[i].first, conditions[i].second, conditions.size() - 1 - i + body.size()));
  program.insert(program.end(), body.begin(), body.end());
}

}  // namespace

std::vector<bpf_insn> compile_device_filter(const std::vector<DeviceRule>& rules) {
  std::vector<bpf_insn> program = {
      load(r_kind, offsetof(bpf_cgroup_dev_ctx, access_type)),
      copy(r_pending, r_kind),
      mask(r_kind, 0xFFFF),  // access_type is (access << 16) | type
      shift_right(r_pending, 16),
      load(r_major, offsetof(bpf_cgroup_dev_ctx, major)),
      load(r_minor, offsetof(bpf_cgroup_dev_ctx, minor)),
  };
  // From the last rule to the first: the first one met is the last that matches.
  for (auto rule = rules.rbegin(); rule != rules.rend(); ++rule) {
    append_rule(program, *rule);
    if (decides_everything(*rule)) return program;  // the kernel takes no program with parts that are never reached
  }
  program.push_back(set(r_result, 0));  // no rule: denied
  program.push_back(leave());
  return program;
}

UniqueFd load_device_filter(const std::vector<DeviceRule>& rules) {
  return in_context("limit devices", [&] { return sys::bpf_load_device_program(compile_device_filter(rules)); });
}

void attach_device_filter(FdRef filter, FdRef cgroup) {
  in_context("limit devices", [&] { sys::bpf_attach_device_program(cgroup, filter); });
}

}  // namespace agentsafe::cgroup
