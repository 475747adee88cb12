// The values that stand on the command line: pure functions from text, nothing where the text is not one.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace agentsafe::cli {

// As Go's strconv.ParseBool: 1 t T true TRUE True, 0 f F false FALSE False.
[[nodiscard]] std::optional<bool> parse_bool(std::string_view text);

// A size in bytes with an optional unit, all of them powers of 1024: "512M", "1.5g", "64kB", "2GiB"; "-1" is unlimited.
[[nodiscard]] std::optional<std::int64_t> parse_size(std::string_view text);

// As Go's time.ParseDuration, without a sign: "5s", "1m30s", "1.5h", "250ms". Answers whole milliseconds.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

// "1000" or "1000:100".
struct UserIds {
  std::uint32_t uid = 0;
  std::optional<std::uint32_t> gid;
};
[[nodiscard]] std::optional<UserIds> parse_user(std::string_view text);

}  // namespace agentsafe::cli
