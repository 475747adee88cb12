// What stands before libseccomp's program, written by us as BPF: for each architecture
//   a system call with an argument whose upper half must be empty, and is not  → the default action
//   a new system call that libseccomp does not know                            → its own action
//   one newer than the newest that the profile names                           → ERRNO(ENOSYS)
// The last is what programs probe for: a C library that gets EPERM from a system call that the author of the profile
// could not know does not fall back (runc calls it the -ENOSYS stub).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace agentsafe::security {

struct EmptyUpperHalf {
  std::uint32_t syscall = 0;
  unsigned argument = 0;
};
struct NewRule {
  std::uint32_t syscall = 0;
  std::uint32_t action = 0;  // SECCOMP_RET_*
};
struct ArchitecturePrologue {
  std::uint32_t audit_arch = 0;                 // AUDIT_ARCH_*
  std::vector<EmptyUpperHalf> upper_halves;
  std::vector<NewRule> new_rules;
  std::optional<std::uint32_t> newest;          // beyond it: ENOSYS
};

// The prologue's instructions (struct sock_filter each), which fall through to what is appended to them.
[[nodiscard]] std::string assemble_prologue(const std::vector<ArchitecturePrologue>& architectures,
                                            std::uint32_t default_action);

}  // namespace agentsafe::security
