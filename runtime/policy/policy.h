// The policy a container is made with: what agentsafe adds to, or refuses of, its config.json. The only one so far is
// "oci": the bundle as it is, nothing added and nothing removed. The state keeps the name (container/store.h).
//
//   policy::parse_name("oci")     → "oci"
//   policy::parse_name("strict")  → throws: --policy strict: the only policy of this version is "oci"
#pragma once
#include <string>
#include <string_view>

namespace agentsafe::policy {

inline constexpr std::string_view default_name = "oci";

// The name as it is kept in the state; throws Error for every other one.
[[nodiscard]] std::string parse_name(std::string_view given);

}  // namespace agentsafe::policy
