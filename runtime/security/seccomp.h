// linux.seccomp compiled to a BPF program. Source: config-linux.md#seccomp, seccomp(2), libseccomp.
//
//   SeccompProgram program = security::compile(*spec.linux->seccomp, warnings);
//
// Host side only (libseccomp); the init loads the result with one system call (apply.h).
#pragma once
#include <string>
#include <vector>

#include "oci/linux.h"
#include "runtime/security/confinement.h"

namespace agentsafe::security {

// Names of syscalls that libseccomp does not know are ignored with a warning; other words that are unknown throw.
[[nodiscard]] SeccompProgram compile(const oci::Seccomp& seccomp, std::vector<std::string>& warnings);

// Flags and listener of a program, which are not part of its instructions.
void set_loading(SeccompProgram& program, const oci::Seccomp& seccomp);

// The same through a cache of compiled programs in `folder` (made when missing; "" is no cache): a profile of engines
// takes libseccomp tens of milliseconds.
[[nodiscard]] SeccompProgram compile_cached(const oci::Seccomp& seccomp, const std::string& folder,
                                            std::vector<std::string>& warnings);

}  // namespace agentsafe::security
