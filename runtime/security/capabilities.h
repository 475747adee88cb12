// Capabilities by name. Source: capabilities(7), <linux/capability.h>.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace agentsafe::security {

// "CAP_CHOWN" … in the order of their numbers.
[[nodiscard]] std::vector<std::string> capability_names();
// The mask of these names; those that are unknown, or that this kernel does not have, are left out with a warning
// (config.md#linux-process).
[[nodiscard]] std::uint64_t capability_mask(const std::vector<std::string>& names, std::vector<std::string>& warnings);

}  // namespace agentsafe::security
