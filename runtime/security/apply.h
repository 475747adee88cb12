// Applies a Confinement to the calling process; runs in the init image. In the order in which the steps call them:
//
//   join_session_keyring(c);  …mounts…  set_kernel_attributes(c, proc);
//   if (!c.no_new_privileges) …load_seccomp of each…         // needs CAP_SYS_ADMIN, so before become
//   become(c);
//   if (c.no_new_privileges) …load_seccomp of each…
//
// Source: capabilities(7), credentials(7), seccomp(2), keyctl(2), sched_setattr(2), ioprio_set(2), set_mempolicy(2).
#pragma once
#include <string>
#include <vector>

#include "runtime/base/unique_fd.h"
#include "runtime/security/confinement.h"

namespace agentsafe::security {

// A fresh session keyring, so that the caller's keys are out of reach (or, in exec, the container's own), with the SELinux
// label. Kernels and filters without keyrings (ENOSYS) have nothing to protect. `proc`: a private procfs; may be empty
// without a label.
void join_session_keyring(const Confinement& confinement, FdRef proc);

// AppArmor, no_new_privs, scheduler, io priority, personality, memory policy, SELinux. `proc` is a private procfs.
// A label that is asked for where its LSM is absent throws.
void set_kernel_attributes(const Confinement& confinement, FdRef proc);

// seccomp(2). Answers the listener's descriptor when the program wants one, else an empty owner.
[[nodiscard]] UniqueFd load_seccomp(const SeccompProgram& program);

// Bounding set, groups, ids, capabilities, umask. Answers warnings: ambient capabilities that could not be raised.
[[nodiscard]] std::vector<std::string> become(const Confinement& confinement);

}  // namespace agentsafe::security
