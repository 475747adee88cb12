// Sizes, durations and shares of CPUs as people write them. Pure.
//
//   parse_amount("1.5", Kind::cpus)   → 1500        amount_text(1500, Kind::cpus)        → "1.5"
//   parse_amount("4G", Kind::size)    → 4294967296  amount_text(90, Kind::duration)      → "90s"
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/policy/fields.h"

namespace agentsafe::policy {

// kind: size (B by itself, K M G T of 1024), count, cpus (at most three digits after the point), duration (s m h d).
// "unlimited" is no_limit, "half" of cpus is half_of_host. Nothing for other text, overflow, and 0 but of a size.
[[nodiscard]] std::optional<std::uint64_t> parse_amount(std::string_view text, Kind kind);
// The shortest text that parses as the same.
[[nodiscard]] std::string amount_text(std::uint64_t amount, Kind kind);

}  // namespace agentsafe::policy
