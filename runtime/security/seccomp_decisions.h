// What a profile says about each syscall number of each architecture, as plain values: what seccomp_program.h compiles.
//
// The meaning of a profile, where the specification leaves it open:
// - A comparison sees the bits that the kernel reads: socket(2)'s `int family` has 32 of them (argument_widths.h).
// - Several conditions of a rule must all hold; if two are about one argument, one of all of them is enough (as in runc).
// - Of two rules without conditions for one syscall the first holds (as in libseccomp).
// - A rule with conditions holds against one without when it is the more restrictive one: libseccomp drops it, and with
//   it the author's refusal. Of several whose conditions are met, the most restrictive holds.
// - A rule without conditions that repeats the default action says nothing (as in runc).
// - Newer than the newest syscall that is named: ENOSYS, where the default action is an error (runc's -ENOSYS stub).
// - x32 numbers answer ENOSYS unless SCMP_ARCH_X32 is listed. The machine's own architecture is always included.
#pragma once
#include <seccomp.h>

#include <cstdint>
#include <string>
#include <vector>

#include "oci/linux.h"
#include "runtime/security/syscall_numbers.h"

namespace agentsafe::security {

struct Comparison {
  unsigned index = 0;
  unsigned bits = 64;            // how many the kernel reads: 16, 32 or 64
  scmp_compare op = SCMP_CMP_EQ;
  std::uint64_t mask = 0;        // of SCMP_CMP_MASKED_EQ
  std::uint64_t value = 0;
  bool operator==(const Comparison&) const = default;
};

struct Case {
  std::vector<Comparison> all;   // all hold
  std::uint32_t action = 0;      // SECCOMP_RET_*
  bool operator==(const Case&) const = default;
};

struct Decision {
  std::vector<Case> cases;       // the first that holds
  std::uint32_t otherwise = 0;
  bool operator==(const Decision&) const = default;
};

struct Interval {
  std::uint32_t first = 0;       // up to the next one's, or to the end of all numbers
  Decision decision;
};

struct Section {
  std::uint32_t audit = 0;       // AUDIT_ARCH_*
  std::vector<Interval> intervals;  // sorted, from number 0, neighbours differ
};

// Throws for words that are unknown; names of syscalls that are unknown are left out with one warning.
[[nodiscard]] std::vector<Section> decide(const oci::Seccomp& seccomp, Machine machine,
                                          std::vector<std::string>& warnings);

}  // namespace agentsafe::security
