// FNV-1a of 64 bits: tells texts apart and finds damage; whoever wants two texts of the same value can make them.
#pragma once
#include <cstdint>
#include <string_view>

namespace agentsafe {

[[nodiscard]] constexpr std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash;
}

}  // namespace agentsafe
