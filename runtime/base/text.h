// Small string helpers. All parsing consumes the whole input or answers nothing.
#pragma once
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace agentsafe::text {

// parse<uint32_t>("17") → 17; "", "+1", "-1", " 1", "1x", "4294967296" → nothing.
template <class Integer>
[[nodiscard]] std::optional<Integer> parse(std::string_view digits, int base = 10) {
  Integer value{};
  const char* end = digits.data() + digits.size();
  auto [stop, error] = std::from_chars(digits.data(), end, value, base);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

// split("a,b,,c", ',') → {"a","b","","c"}; split("", ',') → {}.
[[nodiscard]] std::vector<std::string_view> split(std::string_view whole, char separator);
// The lines of a kernel file, without their ends; no empty line after the last one.
[[nodiscard]] inline std::vector<std::string_view> lines(std::string_view whole) {
  auto parts = split(whole, '\n');
  if (!parts.empty() && parts.back().empty()) parts.pop_back();
  return parts;
}
// words("  a \t b ") → {"a","b"}.
[[nodiscard]] std::vector<std::string_view> words(std::string_view whole);
[[nodiscard]] std::string_view trim(std::string_view whole);
[[nodiscard]] std::string join(const std::vector<std::string>& parts, std::string_view separator);
// ASCII alone, whatever the locale: <cctype> would bring its tables into the image.
[[nodiscard]] constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
[[nodiscard]] std::string lower(std::string_view whole);
// For terminals and logs: control characters, DEL and the backslash as \n, \t, \\ or \xNN.
[[nodiscard]] std::string escaped(std::string_view untrusted);
// A JSON string: quotes around it; quotes, backslashes and control characters escaped.
[[nodiscard]] std::string json_quoted(std::string_view raw);
// RFC 4648, with or without "=" at the end; nothing when it is anything else.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);
// "/a/./b//c/.." → "/a/b". Lexical only: never used to decide where a path of the container leads.
[[nodiscard]] std::string clean_path(std::string_view path);

}  // namespace agentsafe::text
