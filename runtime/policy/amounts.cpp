#include "runtime/policy/amounts.h"

#include <span>

#include "runtime/base/text.h"

namespace agentsafe::policy {
namespace {

struct Unit {
  char letter;
  std::uint64_t factor;
};
// The largest first.
constexpr Unit size_units[] = {{'T', 1ULL << 40}, {'G', 1ULL << 30}, {'M', 1ULL << 20}, {'K', 1ULL << 10}};
constexpr Unit time_units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};

std::span<const Unit> units_of(Kind kind) {
  if (kind == Kind::size) return size_units;
  if (kind == Kind::duration) return time_units;
  return {};
}

std::optional<std::uint64_t> parse_cpus(std::string_view text) {
  const auto point = text.find('.');
  const auto whole = text::parse<std::uint32_t>(text.substr(0, point));
  if (!whole) return std::nullopt;
  std::string thousandths;
  if (point != std::string_view::npos) thousandths = text.substr(point + 1);
  if (thousandths.size() > 3 || (point != std::string_view::npos && thousandths.empty())) return std::nullopt;
  thousandths.resize(3, '0');
  const auto part = text::parse<std::uint32_t>(thousandths);
  if (!part) return std::nullopt;
  return std::uint64_t{*whole} * 1000 + *part;
}

std::optional<std::uint64_t> parse_number(std::string_view text, Kind kind) {
  if (kind == Kind::cpus) return parse_cpus(text);
  std::uint64_t factor = 1;
  for (const Unit& unit : units_of(kind))
    if (text.ends_with(unit.letter)) factor = unit.factor;
  if (factor != 1 || (kind == Kind::duration && text.ends_with('s'))) text.remove_suffix(1);
  const auto number = text::parse<std::uint64_t>(text);
  std::uint64_t amount = 0;
  if (!number || __builtin_mul_overflow(*number, factor, &amount) || amount > INT64_MAX) return std::nullopt;
  return amount;
}

}  // namespace

std::optional<std::uint64_t> parse_amount(std::string_view text, Kind kind) {
  if (text == "unlimited") return no_limit;
  if (text == "half" && kind == Kind::cpus) return half_of_host;
  const auto amount = parse_number(text, kind);
  if (amount == std::uint64_t{0} && kind != Kind::size) return std::nullopt;
  return amount;
}

std::string amount_text(std::uint64_t amount, Kind kind) {
  if (amount == no_limit) return "unlimited";
  if (kind == Kind::cpus) {
    if (amount == half_of_host) return "half";
    std::string part = std::to_string(1000 + amount % 1000).substr(1);
    while (part.ends_with('0')) part.pop_back();
    return std::to_string(amount / 1000) + (part.empty() ? "" : "." + part);
  }
  for (const Unit& unit : units_of(kind))
    if (amount != 0 && amount % unit.factor == 0) return std::to_string(amount / unit.factor) + unit.letter;
  return std::to_string(amount);
}

}  // namespace agentsafe::policy
