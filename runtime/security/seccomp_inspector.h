// What a filter answers to a call, and which of its rules says so. No kernel is asked.
//
//   const Inspector inspector(rules.seccomp, this_machine());
//   CallAnswer answer = inspector.ask({.nr = SYS_socket, .arch = AUDIT_ARCH_X86_64, .instruction_pointer = 0, .args =
//   {40}}); answer.action == (SECCOMP_RET_ERRNO | EPERM);  seccomp.syscalls[*answer.rule] is why
#pragma once
#include <linux/seccomp.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "oci/linux.h"
#include "runtime/security/syscall_numbers.h"

namespace agentsafe::security {

struct CallAnswer {
  std::uint32_t action = 0;  // SECCOMP_RET_* with its data
  unsigned instructions_run = 0;
  std::optional<std::size_t>
      rule;  // of seccomp.syscalls; none: the default action, or an architecture that is not listed
};

class Inspector {
 public:
  // Throws for words that are unknown.
  Inspector(const oci::Seccomp& seccomp, Machine machine);

  [[nodiscard]] CallAnswer ask(const seccomp_data& data) const;
  // The whole filter: struct sock_filter each.
  [[nodiscard]] const std::string& instructions() const { return whole_; }
  // Names of syscalls that are unknown.
  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  std::vector<std::string> warnings_;
  std::string whole_;
  std::string frame_;  // a filter without rules: permits what any rule could be about
  struct Alone {       // one rule as a filter
    std::string instructions;
    std::uint32_t otherwise = 0;  // its answer where the rule does not hold: never the rule's own
  };
  std::vector<Alone> alone_;
};

}  // namespace agentsafe::security
