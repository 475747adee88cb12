#include "oci/unicode.h"

#include <cstdint>
#include <cstring>

#include "runtime/base/text.h"

namespace agentsafe::json {
namespace {

constexpr std::size_t escape_size = 6;  // \uXXXX

// Of eight bytes at once, the bits that only characters beyond ASCII have.
bool is_ascii(const char* eight) {
  std::uint64_t word = 0;
  std::memcpy(&word, eight, sizeof word);
  return (word & 0x8080808080808080U) == 0;
}

// The size of the character that text begins with, 0 when there is none.
std::size_t character_size(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t size = first >= 0xF0 ? 4 : (first >= 0xE0 ? 3 : 2);
  if (first < 0xC2 || first > 0xF4 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  const unsigned char second = byte(1);
  const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool surrogate = first == 0xED && second >= 0xA0;
  const bool too_large = first == 0xF4 && second >= 0x90;
  return overlong || surrogate || too_large ? 0 : size;
}

// The number of the \uXXXX that text begins with.
std::optional<unsigned> escaped_number(std::string_view text) {
  if (text.size() < escape_size || !text.starts_with("\\u")) return std::nullopt;
  return text::parse<unsigned>(text.substr(2, 4), 16);
}

bool is_high(std::optional<unsigned> number) { return number && *number >= 0xD800 && *number <= 0xDBFF; }
bool is_low(std::optional<unsigned> number) { return number && *number >= 0xDC00 && *number <= 0xDFFF; }

}  // namespace

std::size_t utf8_prefix(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    if (text.size() - at >= 8 && is_ascii(text.data() + at)) {
      at += 8;
      continue;
    }
    const std::size_t size = character_size(text.substr(at));
    if (size == 0) break;
    at += size;
  }
  return at;
}

std::optional<std::size_t> lone_surrogate(std::string_view text) {
  for (auto at = text.find('\\'); at != std::string_view::npos; at = text.find('\\', at)) {
    const auto number = escaped_number(text.substr(at));
    const bool pair = is_high(number) && is_low(escaped_number(text.substr(at + escape_size)));
    if (!pair && (is_high(number) || is_low(number))) return at;
    at += pair ? 2 * escape_size : 2;  // the backslash and what it escapes
    if (at >= text.size()) break;
  }
  return std::nullopt;
}

}  // namespace agentsafe::json
