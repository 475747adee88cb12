#include "runtime/security/profiles.h"

#include <algorithm>

#include "runtime/base/error.h"

namespace agentsafe::security {

const Profile* find_profile(std::string_view name) {
  const auto all = profiles();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Profile& profile) { return profile.name == name; });
  return found != all.end() ? &*found : nullptr;
}

SeccompProgram program_of(const Profile& profile) {
  return {.instructions = std::string(profile.instructions), .flags = profile.flags, .wants_listener = false};
}

ProfileRules rules_of(const Profile& profile) {
  ProfileRules rules = read_profile(profile.file);
  if (rules.extends.empty()) return rules;
  const Profile* const base = find_profile(rules.extends);
  if (base == nullptr) fail("read the profile " + std::string(profile.name) + ": it extends \"" + rules.extends + "\"");
  return extended(rules_of(*base), rules);
}

}  // namespace agentsafe::security
