// SHA-256 (FIPS 180-4), for the names of cached programs.
#pragma once
#include <string>
#include <string_view>

namespace agentsafe::security {

// 64 hexadecimal digits.
[[nodiscard]] std::string sha256(std::string_view bytes);

}  // namespace agentsafe::security
