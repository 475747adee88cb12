#include "runtime/cli/values.h"

#include <algorithm>
#include <limits>

#include "runtime/base/text.h"

namespace agentsafe::cli {
namespace {

// Digits with at most one dot off the front of `text`: "1.5h" → 1.5, leaving "h".
std::optional<long double> take_decimal(std::string_view& text) {
  const auto length = std::min(text.find_first_not_of("0123456789."), text.size());
  const auto digits = text.substr(0, length);
  text.remove_prefix(length);
  const auto parts = text::split(digits, '.');
  if (digits.empty() || digits == "." || parts.size() > 2) return std::nullopt;
  long double value = 0;
  for (const char digit : parts[0]) value = value * 10 + (digit - '0');
  long double place = 1;
  if (parts.size() == 2)
    for (const char digit : parts[1]) value += (digit - '0') * (place /= 10);
  return value;
}

// The value when it is whole enough for 63 bits.
std::optional<std::int64_t> as_integer(long double value) {
  constexpr auto limit = static_cast<long double>(std::numeric_limits<std::int64_t>::max());
  if (value >= limit) return std::nullopt;
  return static_cast<std::int64_t>(value + 1e-9L);  // 0.1 + 0.2 of a unit must not lose its last one
}

struct Unit {
  std::string_view name;
  long double milliseconds;
};
constexpr Unit time_units[] = {{"ns", 1e-6L}, {"us", 1e-3L}, {"\u00b5s", 1e-3L}, {"\u03bcs", 1e-3L},
                               {"ms", 1},     {"s", 1'000},  {"m", 60'000},      {"h", 3'600'000}};

std::optional<long double> unit_in_ms(std::string_view name) {
  for (const Unit& unit : time_units)
    if (unit.name == name) return unit.milliseconds;
  return std::nullopt;
}

}  // namespace

std::optional<bool> parse_bool(std::string_view text) {
  for (const auto yes : {"1", "t", "T", "true", "TRUE", "True"})
    if (text == yes) return true;
  for (const auto no : {"0", "f", "F", "false", "FALSE", "False"})
    if (text == no) return false;
  return std::nullopt;
}

std::optional<std::int64_t> parse_size(std::string_view text) {
  if (text == "-1") return -1;
  const auto value = take_decimal(text);
  if (!value) return std::nullopt;
  const std::string lowered = text::lower(text::trim(text));
  std::string_view unit = lowered;
  if (unit.ends_with('b')) unit.remove_suffix(1);
  if (unit.size() == 2 && unit[1] == 'i') unit.remove_suffix(1);
  if (unit.empty()) return as_integer(*value);
  constexpr std::string_view units = "kmgtp";
  const auto power = units.find(unit);
  if (power == std::string_view::npos || unit.size() != 1) return std::nullopt;
  return as_integer(*value * static_cast<long double>(1LL << (10 * (power + 1))));
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  if (text == "0") return std::chrono::milliseconds{0};
  if (text.empty()) return std::nullopt;
  long double total = 0;
  while (!text.empty()) {
    const auto value = take_decimal(text);
    const auto name = text.substr(0, text.find_first_of("0123456789."));
    const auto unit = unit_in_ms(name);
    if (!value || !unit) return std::nullopt;
    text.remove_prefix(name.size());
    total += *value * *unit;
  }
  const auto whole = as_integer(total);
  if (!whole) return std::nullopt;
  return std::chrono::milliseconds{*whole};
}

std::optional<UserIds> parse_user(std::string_view text) {
  const auto colon = text.find(':');
  UserIds ids;
  const auto uid = text::parse<std::uint32_t>(text.substr(0, colon));
  if (!uid) return std::nullopt;
  ids.uid = *uid;
  if (colon == std::string_view::npos) return ids;
  ids.gid = text::parse<std::uint32_t>(text.substr(colon + 1));
  if (!ids.gid) return std::nullopt;
  return ids;
}

}  // namespace agentsafe::cli
