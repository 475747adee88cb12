// The bytes of agentsafe-init, embedded at build time.
#pragma once
#include <string_view>

namespace agentsafe::container {

[[nodiscard]] std::string_view init_image();

}  // namespace agentsafe::container
