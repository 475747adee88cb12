#include "runtime/security/bpf_assembler.h"

#include "runtime/base/error.h"

namespace agentsafe::security {
namespace {

constexpr std::size_t reach = 255;

sock_filter statement(std::uint16_t code, std::uint32_t value) { return {code, 0, 0, value}; }

}  // namespace

Assembler::Label Assembler::push(const sock_filter& instruction) {
  reversed_.push_back(instruction);
  return reversed_.size() - 1;
}

// `target`, or a jump to it when a conditional jump written after `slack` more instructions cannot reach it.
Assembler::Label Assembler::near(Label target, std::size_t slack) {
  const std::size_t next = reversed_.size() + slack;
  if (next - target - 1 <= reach) return target;
  return push(statement(BPF_JMP | BPF_JA, static_cast<std::uint32_t>(reversed_.size() - target - 1)));
}

void Assembler::fall_through_to(Label next) {
  if (next + 1 != reversed_.size())
    push(statement(BPF_JMP | BPF_JA, static_cast<std::uint32_t>(reversed_.size() - next - 1)));
}

Assembler::Label Assembler::answer(std::uint32_t action) {
  constexpr std::size_t close = 200;  // a copy costs as much as a jump to a far one
  const auto found = answers_.find(action);
  if (found != answers_.end() && reversed_.size() - found->second < close) return found->second;
  return answers_[action] = push(statement(BPF_RET | BPF_K, action));
}

Assembler::Label Assembler::load(std::size_t offset, Label next) {
  fall_through_to(next);
  return push(statement(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)));
}

Assembler::Label Assembler::keep_bits(std::uint32_t mask, Label next) {
  fall_through_to(next);
  return push(statement(BPF_ALU | BPF_AND | BPF_K, mask));
}

Assembler::Label Assembler::branch(std::uint16_t comparison, std::uint32_t value, Label yes, Label no) {
  if (yes == no) return yes;
  yes = near(yes, 1);  // one more: the other target may need a jump too
  no = near(no, 0);
  const auto distance = [&](Label target) { return static_cast<std::uint8_t>(reversed_.size() - target - 1); };
  return push({static_cast<std::uint16_t>(BPF_JMP | BPF_K | comparison), distance(yes), distance(no), value});
}

std::string Assembler::finish() const {
  if (reversed_.size() > BPF_MAXINSNS)
    fail("compile linux.seccomp: the filter has " + std::to_string(reversed_.size()) +
         " instructions, the kernel takes 4096; use fewer rules with arguments");
  const std::vector<sock_filter> program(reversed_.rbegin(), reversed_.rend());
  return {reinterpret_cast<const char*>(program.data()), program.size() * sizeof(sock_filter)};
}

}  // namespace agentsafe::security
