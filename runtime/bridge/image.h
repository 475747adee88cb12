// The bytes of agentsafe-bridge, embedded at build time.
#pragma once
#include <string_view>

namespace agentsafe::bridge {

[[nodiscard]] std::string_view bridge_image();

}  // namespace agentsafe::bridge
