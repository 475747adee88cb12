// GVariant's text format, as far as a unit's properties are written in it: a recursive descent over the text. A type
// that the text names ("uint64 5", "@as []") is passed down; without one, the usual type of the notation is taken.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/systemd/value.h"

namespace agentsafe::systemd {
namespace {

constexpr int deepest = 32;
constexpr std::pair<std::string_view, char> type_words[] = {
    {"boolean", 'b'},    {"byte", 'y'},      {"int16", 'n'}, {"uint16", 'q'}, {"int32", 'i'},
    {"uint32", 'u'},     {"handle", 'h'},    {"int64", 'x'}, {"uint64", 't'}, {"double", 'd'},
    {"objectpath", 'o'}, {"signature", 'g'}, {"string", 's'}};

struct Range {
  char type;
  std::int64_t least;
  std::uint64_t most;
};
constexpr Range ranges[] = {{'y', 0, UINT8_MAX},         {'n', INT16_MIN, INT16_MAX}, {'q', 0, UINT16_MAX},
                            {'i', INT32_MIN, INT32_MAX}, {'u', 0, UINT32_MAX},        {'x', INT64_MIN, INT64_MAX},
                            {'t', 0, UINT64_MAX}};

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

class Parser {
 public:
  explicit Parser(std::string_view whole) : whole_(whole) {}

  Value parse() {
    Value value = parse_value("");
    skip_space();
    if (at_ != whole_.size()) refuse("the end");
    return value;
  }

 private:
  [[noreturn]] void refuse(const std::string& expected) const {
    fail("\"" + agentsafe::text::escaped(whole_) + "\": expected " + expected + " at character " +
         std::to_string(at_ + 1));
  }
  void skip_space() {
    while (at_ < whole_.size() && std::strchr(" \t\n", whole_[at_]) != nullptr) ++at_;
  }
  [[nodiscard]] char peek() {
    skip_space();
    return at_ < whole_.size() ? whole_[at_] : '\0';
  }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void demand(char c) {
    if (!take(c)) refuse(std::string("'") + c + "'");
  }
  std::string_view take_word() {
    skip_space();
    const auto start = at_;
    while (at_ < whole_.size() && (is_word(whole_[at_]) || std::strchr("+-.", whole_[at_]) != nullptr)) ++at_;
    return whole_.substr(start, at_ - start);
  }

  // `type`: the wanted signature, or "" for the usual one.
  Value parse_value(std::string_view type) {
    if (++depth_ > deepest) refuse("fewer levels");
    Value value = parse_one(type);
    --depth_;
    return value;
  }
  Value parse_one(std::string_view type) {
    switch (peek()) {
      case '@': return parse_annotated();
      case '\'':
      case '"': return parse_text(type);
      case '[': return parse_array(type);
      case '(': return parse_tuple(type);
      case '{': return parse_dictionary(type);
      case '<': return parse_variant();
      default: return parse_plain(type);
    }
  }
  Value parse_annotated() {
    ++at_;
    const auto start = at_;
    while (at_ < whole_.size() && std::strchr("ybnqiuxtdsogva(){}", whole_[at_]) != nullptr) ++at_;
    const auto type = whole_.substr(start, at_ - start);
    if (type.empty()) refuse("a type");
    return parse_value(type);
  }
  std::string take_quoted() {
    const char quote = whole_[at_++];
    std::string out;
    for (; at_ < whole_.size() && whole_[at_] != quote; ++at_) {
      char c = whole_[at_];
      if (c == '\\' && at_ + 1 < whole_.size()) {
        c = whole_[++at_];
        const char* const letter = std::strchr("n\nt\tr\r", c);
        if (letter != nullptr && c > ' ') c = letter[1];
      }
      out += c;
    }
    demand(quote);
    return out;
  }
  Value parse_text(std::string_view type) {
    if (!type.empty() && type != "s" && type != "o" && type != "g") refuse("a value of type " + std::string(type));
    Value value{type.empty() ? "s" : std::string(type), 0, take_quoted(), {}};
    if (value.text.find('\0') != std::string::npos) refuse("a text without NUL");
    return value;
  }
  Value parse_array(std::string_view type) {
    ++at_;
    if (!type.empty() && type.front() != 'a') refuse("a value of type " + std::string(type));
    std::string element(type.empty() ? "" : type.substr(1));
    Value value;
    while (peek() != ']') {
      value.items.push_back(parse_value(element));
      element = value.items.back().signature;
      if (!take(',')) break;
    }
    demand(']');
    if (element.empty()) refuse("a type before an empty array, as in @as []");
    value.signature = "a" + element;
    if (element == "y") {
      for (const auto& item : value.items) value.text += static_cast<char>(item.bits);
      value.items.clear();
    }
    return value;
  }
  Value parse_tuple(std::string_view type) {
    ++at_;
    if (!type.empty() && type.front() != '(') refuse("a value of type " + std::string(type));
    std::vector<Value> items;
    auto rest = type.empty() ? type : type.substr(1, type.size() - 2);
    while (peek() != ')') {
      const auto length = rest.empty() ? 0 : complete_type(rest);
      items.push_back(parse_value(rest.substr(0, length)));
      rest.remove_prefix(length);
      if (!take(',')) break;
    }
    demand(')');
    return structure(std::move(items));
  }
  Value parse_dictionary(std::string_view type) {
    ++at_;
    if (!type.empty() && !type.starts_with("a{")) refuse("a value of type " + std::string(type));
    std::string key(type.empty() ? "" : type.substr(2, 1));
    std::string content(type.empty() ? "" : type.substr(3, type.size() - 4));
    Value value;
    while (peek() != '}') {
      Value name = parse_value(key);
      demand(':');
      Value held = parse_value(content);
      key = name.signature;
      content = held.signature;
      value.items.push_back({"{" + key + content + "}", 0, {}, {std::move(name), std::move(held)}});
      if (!take(',')) break;
    }
    demand('}');
    if (key.empty()) refuse("a type before an empty dictionary, as in @a{sv} {}");
    value.signature = "a{" + key + content + "}";
    return value;
  }
  Value parse_variant() {
    ++at_;
    Value value{"v", 0, {}, {parse_value("")}};
    demand('>');
    return value;
  }
  Value parse_plain(std::string_view type) {
    const auto word = take_word();
    if (word == "b" && at_ < whole_.size() && (whole_[at_] == '\'' || whole_[at_] == '"'))
      return bytes(take_quoted() + '\0');
    if (word == "true" || word == "false") {
      if (!type.empty() && type != "b") refuse("a value of type " + std::string(type));
      return boolean(word == "true");
    }
    const auto* const named =
        std::find_if(std::begin(type_words), std::end(type_words), [&](const auto& row) { return row.first == word; });
    if (named != std::end(type_words)) return parse_value(std::string_view(&named->second, 1));
    return parse_number(word, type);
  }
  Value parse_number(std::string_view word, std::string_view type) {
    const bool fraction = word.find_first_of(".eE") != std::string_view::npos && !word.starts_with("0x");
    const char wanted = type.empty() ? (fraction ? 'd' : 'i') : type.front();
    if (wanted == 'd') return parse_double(word);
    const auto* const range =
        std::find_if(std::begin(ranges), std::end(ranges), [&](const Range& row) { return row.type == wanted; });
    if (type.size() > 1 || range == std::end(ranges)) refuse("a value of type " + std::string(type));
    const bool negative = word.starts_with('-');
    const std::string_view digits = word.substr(negative || word.starts_with('+') ? 1 : 0);
    const auto magnitude = digits.starts_with("0x") ? agentsafe::text::parse<std::uint64_t>(digits.substr(2), 16)
                                                    : agentsafe::text::parse<std::uint64_t>(digits);
    if (!magnitude) refuse("a value");
    const bool fits = negative
                          ? *magnitude <= static_cast<std::uint64_t>(-(range->least + 1)) + (range->least < 0 ? 1 : 0)
                          : *magnitude <= range->most;
    if (!fits || (negative && range->least == 0 && *magnitude != 0)) refuse("a number that fits its type");
    return number(wanted, negative ? ~*magnitude + 1 : *magnitude);
  }
  // strtod(3) would bring the locales along, for what hardly any property is.
  Value parse_double(std::string_view word) {
    const auto e = word.find_first_of("eE");
    const auto exponent = e == std::string_view::npos ? 0 : agentsafe::text::parse<int>(word.substr(e + 1));
    const auto mantissa = word.substr(0, e);
    const auto dot = mantissa.find('.');
    const bool negative = mantissa.starts_with('-');
    std::string digits(
        mantissa.substr(negative ? 1 : 0, dot == std::string_view::npos ? dot : dot - (negative ? 1 : 0)));
    const auto behind = dot == std::string_view::npos ? std::string_view() : mantissa.substr(dot + 1);
    digits += behind;
    const auto whole = agentsafe::text::parse<std::uint64_t>(digits);
    if (!whole || !exponent) refuse("a value");
    const double magnitude = static_cast<double>(*whole) * std::pow(10.0, *exponent - static_cast<int>(behind.size()));
    const double parsed = negative ? -magnitude : magnitude;
    Value value = number('d', 0);
    std::memcpy(&value.bits, &parsed, sizeof parsed);
    return value;
  }
  // The length of the first complete type of a signature.
  std::size_t complete_type(std::string_view types) const {
    std::size_t i = 0;
    while (i < types.size() && types[i] == 'a') ++i;
    if (i == types.size()) refuse("a complete type");
    if (types[i] != '(' && types[i] != '{') return i + 1;
    int open = 0;
    for (; i < types.size(); ++i) {
      if (types[i] == '(' || types[i] == '{') ++open;
      if ((types[i] == ')' || types[i] == '}') && --open == 0) return i + 1;
    }
    refuse("a complete type");
  }

  std::string_view whole_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

Value parse_gvariant(std::string_view text) { return Parser(text).parse(); }

}  // namespace agentsafe::systemd
