// What a policy does to a bundle, for people and for programs. Pure.
//
//   std::string text = explain(chosen, hardened);        // lines: property: before → after, with rule, source and why
//   std::string json = explain_json(chosen, hardened);   // one object on one line
#pragma once
#include <string>
#include <vector>

#include "runtime/policy/harden.h"
#include "runtime/policy/sources.h"

namespace agentsafe::policy {

// What becomes of the network, as changes; explain() and explain_json() have them too. Empty for egress.mode "off".
[[nodiscard]] std::vector<Change> network_changes(const Policy& policy);

[[nodiscard]] std::string explain(const Resolved& chosen, const Hardened& hardened);
// {"policy":…,"changes":[{"property","before","after","rule","source","why"}],"refusals":[…],"notes":[…]}
[[nodiscard]] std::string explain_json(const Resolved& chosen, const Hardened& hardened);
// What the policy itself says, without a bundle: every key that differs from `oci`, with its source.
[[nodiscard]] std::string explain(const Resolved& chosen);

}  // namespace agentsafe::policy
