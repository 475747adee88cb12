#include "runtime/base/text.h"


namespace agentsafe::text {

std::vector<std::string_view> split(std::string_view whole, char separator) {
  std::vector<std::string_view> parts;
  if (whole.empty()) return parts;
  for (;;) {
    const auto at = whole.find(separator);
    parts.push_back(whole.substr(0, at));
    if (at == std::string_view::npos) return parts;
    whole.remove_prefix(at + 1);
  }
}

std::vector<std::string_view> words(std::string_view whole) {
  constexpr std::string_view blanks = " \t\n";
  std::vector<std::string_view> parts;
  for (;;) {
    const auto begin = whole.find_first_not_of(blanks);
    if (begin == std::string_view::npos) return parts;
    whole.remove_prefix(begin);
    const auto end = whole.find_first_of(blanks);
    parts.push_back(whole.substr(0, end));
    if (end == std::string_view::npos) return parts;
    whole.remove_prefix(end);
  }
}

std::string_view trim(std::string_view whole) {
  constexpr std::string_view blanks = " \t\r\n";
  const auto begin = whole.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return whole.substr(begin, whole.find_last_not_of(blanks) - begin + 1);
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string whole;
  for (const auto& part : parts) {
    if (&part != &parts.front()) whole += separator;
    whole += part;
  }
  return whole;
}

std::string lower(std::string_view whole) {
  std::string result(whole);
  for (char& c : result) c = lower(c);
  return result;
}

std::string escaped(std::string_view untrusted) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string safe;
  for (const char c : untrusted) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      safe += "\\n";
    } else if (c == '\t') {
      safe += "\\t";
    } else if (c == '\\') {
      safe += "\\\\";
    } else if (byte < 0x20 || byte == 0x7f) {
      safe += {'\\', 'x', hex[byte >> 4], hex[byte & 15]};
    } else {
      safe += c;
    }
  }
  return safe;
}

std::string json_quoted(std::string_view raw) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : raw) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::optional<std::string> from_base64(std::string_view text) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  if (text.size() % 4 == 1) return std::nullopt;
  std::string bytes;
  unsigned collected = 0;
  unsigned bits = 0;
  for (const char c : text) {
    const auto digit = digits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    collected = (collected << 6 | static_cast<unsigned>(digit)) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>(collected >> bits & 0xff);
  }
  return bytes;
}

std::string clean_path(std::string_view path) {
  const bool absolute = path.starts_with('/');
  std::vector<std::string> kept;
  for (const auto part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      kept.emplace_back(part);
    } else if (!kept.empty() && kept.back() != "..") {
      kept.pop_back();
    } else if (!absolute) {
      kept.emplace_back(part);
    }
  }
  const std::string joined = join(kept, "/");
  if (absolute) return "/" + joined;
  return joined.empty() ? "." : joined;
}

}  // namespace agentsafe::text
