#include "runtime/security/seccomp_prologue.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <bit>
#include <cerrno>
#include <cstddef>

namespace agentsafe::security {
namespace {

constexpr std::uint32_t x32_bit = 0x40000000;

constexpr sock_filter statement(unsigned code, std::uint32_t k) { return {static_cast<std::uint16_t>(code), 0, 0, k}; }
constexpr sock_filter load(std::uint32_t offset) { return statement(BPF_LD | BPF_W | BPF_ABS, offset); }
constexpr sock_filter answer(std::uint32_t action) { return statement(BPF_RET | BPF_K, action); }
// Skips the next instruction unless the accumulator compares as said.
constexpr sock_filter unless(unsigned comparison, std::uint32_t k) {
  return {static_cast<std::uint16_t>(BPF_JMP | comparison | BPF_K), 0, 1, k};
}

constexpr std::uint32_t upper_half(unsigned argument) {
  const auto offset = static_cast<std::uint32_t>(offsetof(seccomp_data, args) + argument * sizeof(std::uint64_t));
  return offset + (std::endian::native == std::endian::little ? 4 : 0);
}

// With the number in the accumulator; may leave something else in it, but then loads the number again.
std::vector<sock_filter> block(const ArchitecturePrologue& arch, std::uint32_t default_action) {
  std::vector<sock_filter> code{load(offsetof(seccomp_data, nr))};
  for (const auto& row : arch.upper_halves) {
    // if (nr == syscall) { if (upper half != 0) return default; }
    code.push_back({BPF_JMP | BPF_JEQ | BPF_K, 0, 4, row.syscall});
    code.push_back(load(upper_half(row.argument)));
    code.push_back({BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 0});
    code.push_back(answer(default_action));
    code.push_back(load(offsetof(seccomp_data, nr)));
  }
  for (const auto& row : arch.new_rules) {
    code.push_back(unless(BPF_JEQ, row.syscall));
    code.push_back(answer(row.action));
  }
  if (arch.newest) {
    // numbers of the x32 ABI are libseccomp's business
    if (arch.audit_arch == AUDIT_ARCH_X86_64) code.push_back({BPF_JMP | BPF_JGE | BPF_K, 2, 0, x32_bit});
    code.push_back(unless(BPF_JGT, *arch.newest));
    code.push_back(answer(SECCOMP_RET_ERRNO | ENOSYS));
  }
  return code;
}

}  // namespace

std::string assemble_prologue(const std::vector<ArchitecturePrologue>& architectures, std::uint32_t default_action) {
  std::vector<sock_filter> code;
  for (const auto& arch : architectures) {
    const auto body = block(arch, default_action);
    if (body.size() == 1) continue;  // nothing but the load
    code.push_back(load(offsetof(seccomp_data, arch)));
    code.push_back({BPF_JMP | BPF_JEQ | BPF_K, 1, 0, arch.audit_arch});
    code.push_back(statement(BPF_JMP | BPF_JA, static_cast<std::uint32_t>(body.size())));
    code.insert(code.end(), body.begin(), body.end());
  }
  return {reinterpret_cast<const char*>(code.data()), code.size() * sizeof(sock_filter)};
}

}  // namespace agentsafe::security
