#include "oci/json.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>

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

void check(yajl_gen_status status) {
  if (status != yajl_gen_status_ok) fail("write JSON: yajl refuses with status " + std::to_string(status));
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

// strtod and snprintf rather than from_chars and to_chars, whose tables are 130 KB; the locale is always "C" here.
void Reader::read(const Value& value, double& out) {
  if (value.kind != Value::Kind::number) return violation("expected a number");
  out = std::strtod(std::string(value.text).c_str(), nullptr);  // the parser has checked its form
  if (!std::isfinite(out)) violation(shown(value.text) + " is out of range");
}

void Reader::read(const Value& value, std::string& out) {
  if (value.kind != Value::Kind::string) return violation("expected a string");
  out = value.text;
}

Writer::Writer(unsigned indent) : gen_(yajl_gen_alloc(nullptr)), indent_(indent, ' ') {
  if (gen_ == nullptr) fail("write JSON: out of memory");
  if (indent == 0) return;
  yajl_gen_config(gen_, yajl_gen_beautify, 1);
  yajl_gen_config(gen_, yajl_gen_indent_string, indent_.c_str());
}

Writer::~Writer() { yajl_gen_free(gen_); }

std::string Writer::text() const {
  const unsigned char* bytes = nullptr;
  std::size_t size = 0;
  check(yajl_gen_get_buf(gen_, &bytes, &size));
  return {reinterpret_cast<const char*>(bytes), size};
}

void Writer::write(bool value) { check(yajl_gen_bool(gen_, value ? 1 : 0)); }

void Writer::write(double value) {
  if (!std::isfinite(value)) fail("write JSON: a number is not finite");
  char digits[32];
  std::snprintf(digits, sizeof digits, "%.15g", value);
  if (std::strtod(digits, nullptr) != value) std::snprintf(digits, sizeof digits, "%.17g", value);
  write_number(digits);
}

void Writer::write(const std::string& value) { write_string(value); }

void Writer::write_string(std::string_view characters) {
  if (utf8_prefix(characters) != characters.size())
    fail("write JSON: \"" + text::escaped(characters) + "\" is not UTF-8");
  check(yajl_gen_string(gen_, reinterpret_cast<const unsigned char*>(characters.data()), characters.size()));
}

void Writer::write_number(const std::string& digits) { check(yajl_gen_number(gen_, digits.data(), digits.size())); }
void Writer::write_null() { check(yajl_gen_null(gen_)); }
void Writer::open_array() { check(yajl_gen_array_open(gen_)); }
void Writer::close_array() { check(yajl_gen_array_close(gen_)); }
void Writer::open_object() { check(yajl_gen_map_open(gen_)); }
void Writer::close_object() { check(yajl_gen_map_close(gen_)); }

}  // namespace agentsafe::json
