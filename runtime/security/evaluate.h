// A compiled filter evaluated without a kernel: classic BPF as seccomp(2) allows it.
//
//   Verdict verdict = security::evaluate(program.instructions, {.nr = SYS_socket, .arch = AUDIT_ARCH_X86_64, …});
//   verdict.action == (SECCOMP_RET_ERRNO | EPERM)
#pragma once
#include <linux/seccomp.h>

#include <cstdint>
#include <string_view>

namespace agentsafe::security {

struct Verdict {
  std::uint32_t action = 0;         // SECCOMP_RET_* with its data
  unsigned instructions_run = 0;    // what the decision cost
};

// Throws Error for an instruction that the kernel would not load, a jump out of the program, or one without an end.
[[nodiscard]] Verdict evaluate(std::string_view instructions, const seccomp_data& data);

}  // namespace agentsafe::security
