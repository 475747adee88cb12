// Internet addresses as text, as inet_ntop(3) spells them: "10.0.0.1", "fe80::1", "::ffff:10.0.0.1". The C library's
// prints through stdio, which is 150 KB of a static program.
#pragma once
#include <cstdint>
#include <span>
#include <string>

namespace agentsafe::text {

[[nodiscard]] std::string v4_text(std::span<const std::uint8_t, 4> address);
[[nodiscard]] std::string v6_text(std::span<const std::uint8_t, 16> address);

}  // namespace agentsafe::text
