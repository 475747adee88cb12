// A profile file of seccomp-profiles/: a linux.seccomp object with a comment per rule, that may be a difference to
// another one:
//
//   {"extends": "agent-default", "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "flags": [],
//    "syscalls": [{"comment": "why", "names": ["chroot"], "action": "SCMP_ACT_ALLOW"}]}
//
// A difference speaks for each syscall that it names altogether: the other file's rules about it do not hold.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "oci/linux.h"

namespace agentsafe::security {

struct ProfileRules {
  oci::Seccomp seccomp;
  std::vector<std::string> comments;  // of seccomp.syscalls, one each; "" where the file has none
  std::string extends;                // "": a whole profile
};

// Throws Error for what is no linux.seccomp object.
[[nodiscard]] ProfileRules read_profile(std::string_view json);

// `changes` on `base`. Throws when they disagree about more than syscalls: default action, flags, architectures.
[[nodiscard]] ProfileRules extended(ProfileRules base, const ProfileRules& changes);

}  // namespace agentsafe::security
