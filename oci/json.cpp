#include "oci/json.h"

#include <algorithm>

#include "oci/unicode.h"
#include "runtime/base/error.h"

namespace agentsafe::json {
namespace {

constexpr std::size_t violation_limit = 100;

// Enough of what was written to find it.
std::string shown(std::string_view text) {
  constexpr std::size_t enough = 80;
  return text::escaped(text.substr(0, enough)) + (text.size() > enough ? "..." : "");
}

constexpr bool is_escaped(char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; }

// How JSON spells such a character inside a string.
void append_escaped(std::string& out, char c) {
  constexpr std::string_view named = "\"\\\b\f\n\r\t", letters = "\"\\bfnrt", digits = "0123456789ABCDEF";
  if (const auto at = named.find(c); at != std::string_view::npos) {
    (out += '\\') += letters[at];
    return;
  }
  const auto code = static_cast<unsigned char>(c);
  ((out += "\\u00") += digits[code >> 4]) += digits[code & 0xf];
}

}  // namespace

void Reader::violation(std::string_view what) {
  if (violations_.size() == violation_limit) {
    ++unlisted_;
    return;
  }
  std::string line;
  for (const auto& step : path_)
    line.append(step.name.data() != nullptr ? shown(step.name) : std::to_string(step.index)).append(": ");
  violations_.push_back(line.append(what));
}

void Reader::not_within(std::string_view number, const std::string& least, const std::string& most) {
  violation(shown(number) + " is not an integer from " + least + " to " + most);
}

void Reader::finish() const {
  if (violations_.empty()) return;
  fail(text::join(violations_, "; ") + (unlisted_ > 0 ? "; and " + std::to_string(unlisted_) + " more" : ""));
}

void Reader::read(const Value& value, bool& out) {
  if (value.kind != Value::Kind::boolean) return violation("expected true or false");
  out = value.boolean;
}

void Reader::read(const Value& value, Decimal& out) {
  if (value.kind != Value::Kind::number) return violation("expected a number");
  out.digits = value.text;  // the parser has checked its form
}

void Reader::read(const Value& value, std::string& out) {
  if (value.kind != Value::Kind::string) return violation("expected a string");
  out = value.text;
}

void Writer::begin_line() {
  if (indent_ != 0) text_.append(1, '\n').append(indent_ * depth_, ' ');
}

// What separates a value from what stands before it.
void Writer::begin_value() {
  if (is_after_name_) {
    is_after_name_ = false;
    return;
  }
  if (!is_first_) text_ += ',';
  if (depth_ > 0) begin_line();
  is_first_ = false;
}

void Writer::open(char bracket) {
  begin_value();
  text_ += bracket;
  ++depth_;
  is_first_ = true;
}

void Writer::close(char bracket) {
  --depth_;
  if (!is_first_) begin_line();
  text_ += bracket;
  is_first_ = false;
}

void Writer::write_name(std::string_view name) {
  begin_value();
  write_string(name);
  text_ += indent_ == 0 ? ":" : ": ";
  is_after_name_ = true;
}

void Writer::write_number(std::string_view digits) {
  begin_value();
  text_ += digits;
}

void Writer::write(bool value) { write_number(value ? "true" : "false"); }

void Writer::write(const std::string& value) {
  begin_value();
  write_string(value);
}

void Writer::write_string(std::string_view characters) {
  if (utf8_prefix(characters) != characters.size())
    fail("write JSON: \"" + text::escaped(characters) + "\" is not UTF-8");
  text_ += '"';
  while (!characters.empty()) {
    const auto run = static_cast<std::size_t>(std::ranges::find_if(characters, is_escaped) - characters.begin());
    text_ += characters.substr(0, run);
    if (run < characters.size()) append_escaped(text_, characters[run]);
    characters.remove_prefix(std::min(run + 1, characters.size()));
  }
  text_ += '"';
}

}  // namespace agentsafe::json
