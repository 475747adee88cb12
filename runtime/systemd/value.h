// Values of D-Bus messages, and the properties of systemd's units that hold them.
// Source: the D-Bus specification, "Type System"; GVariant text format (docs.gtk.org/glib/gvariant-text-format.html).
//
//   Value limit = number('t', 512 << 20);                         // "t"
//   Value rules = array("(ss)", {structure({text("char-pts"), text("rwm")})});
//   Value given = parse_gvariant("uint64 123456789");             // what annotations hold
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace agentsafe::systemd {

struct Value {
  std::string signature;     // of one complete type: "t", "as", "a(ss)"
  std::uint64_t bits = 0;    // y b n q i u x t d: the value; a double's bytes
  std::string text;          // s o g; and the bytes of "ay"
  std::vector<Value> items;  // of arrays, structures, dictionary entries; what a variant holds

  bool operator==(const Value&) const = default;
};

using Property = std::pair<std::string, Value>;

[[nodiscard]] Value number(char type, std::uint64_t bits);
[[nodiscard]] Value boolean(bool value);
[[nodiscard]] Value text(std::string_view value);
[[nodiscard]] Value bytes(std::string value);  // "ay"
[[nodiscard]] Value array(std::string_view element, std::vector<Value> items);
[[nodiscard]] Value structure(std::vector<Value> items);

// "'a'", "true", "-5" (an int32), "uint64 5", "1.5", "['a', 'b']", "@as []", "(1, 'a')", "<5>", "{'a': 1}", "b'bytes'".
// Throws Error with what was expected and where.
[[nodiscard]] Value parse_gvariant(std::string_view text);

// The values of `property` as one text, for messages and tests: "uint64 5", "['a']".
[[nodiscard]] std::string to_text(const Value& value);

}  // namespace agentsafe::systemd
