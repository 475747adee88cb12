// Our own seccomp profiles: the files of seccomp-profiles/, compiled when agentsafe was built, so that loading one costs
// no compiler. They are put under the image's own profile: both filters are loaded, the stricter answer holds.
//
//   if (const security::Profile* profile = security::find_profile("agent-default"))
//     options.stacked_seccomp = security::program_of(*profile);      // ConfinementOptions
//
// Why each call is in or out: seccomp-profiles/README.md.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "runtime/security/confinement.h"
#include "runtime/security/profile_rules.h"

namespace agentsafe::security {

struct Profile {
  std::string_view name;          // "agent-default"
  std::string_view summary;       // the file's comment: one sentence
  std::string_view file;          // its text without white space
  std::string_view instructions;  // struct sock_filter each, for the machine that this program was built for
  std::uint32_t flags = 0;        // SECCOMP_FILTER_FLAG_*
};

// All there are, agent-default first.
[[nodiscard]] std::span<const Profile> profiles();
// nullptr when there is no profile of this name.
[[nodiscard]] const Profile* find_profile(std::string_view name);

// What Confinement takes. Never wants a listener.
[[nodiscard]] SeccompProgram program_of(const Profile& profile);
// Its rules, with those of the profile that it extends.
[[nodiscard]] ProfileRules rules_of(const Profile& profile);

}  // namespace agentsafe::security
