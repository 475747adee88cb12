// JSON for every struct of ours: one constexpr table of fields serves reading, writing and the paths in errors.
//
//   template <>
//   inline constexpr auto agentsafe::json::fields<oci::Rlimit> = std::tuple{
//       required("type", &oci::Rlimit::type), required("hard", &oci::Rlimit::hard), required("soft",
//       &oci::Rlimit::soft)};
//
//   auto limit = json::read<oci::Rlimit>(text);   // throws one Error with every violation: "hard: expected an integer"
//   std::string text = json::write(limit);        // compact; json::write(limit, 2): for people
//
// Handles bool, integers (range-checked; 1.0 is none), Decimal, std::string, optional, vector, map<string, T> and
// structs with a table. Unknown members are ignored, null counts as absent; when writing, what is empty is left out
// unless required. What text is refused: json_value.h.
#pragma once
#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "oci/json_value.h"
#include "runtime/base/text.h"

namespace agentsafe::json {

template <class Struct, class Member>
struct Field {
  std::string_view name;
  Member Struct::*member;
  bool is_required;
};
template <class Struct, class Member>
constexpr Field<Struct, Member> required(std::string_view name, Member Struct::*member) {
  return {name, member, true};
}
template <class Struct, class Member>
constexpr Field<Struct, Member> optional(std::string_view name, Member Struct::*member) {
  return {name, member, false};
}

template <class T>
inline constexpr auto fields = std::tuple{};
template <class T>
concept Record = std::tuple_size_v<std::remove_cvref_t<decltype(fields<T>)>> >
0;
template <class T>
concept Integer = std::integral<T> && !std::same_as<T, bool>;

// Where reading is, and what was wrong so far. A violation reads "process: rlimits: 2: hard: expected an integer".
class Reader {
 public:
  void violation(std::string_view what);
  // Throws one Error with all violations when there are any; of very many, the first hundred.
  void finish() const;

  void read(const Value& value, bool& out);
  void read(const Value& value, Decimal& out);
  void read(const Value& value, std::string& out);

  template <Integer T>
  void read(const Value& value, T& out) {
    if (value.kind != Value::Kind::number) return violation("expected an integer");
    const auto number = text::parse<T>(value.text);
    if (!number)
      return not_within(value.text, std::to_string(std::numeric_limits<T>::min()),
                        std::to_string(std::numeric_limits<T>::max()));
    out = *number;
  }
  template <class T>
  void read(const Value& value, std::optional<T>& out) {
    read(value, out.emplace());
  }
  template <class T>
  void read(const Value& value, std::vector<T>& out) {
    if (value.kind != Value::Kind::array) return violation("expected an array");
    out.reserve(value.count);
    for (const Value& item : value) within({{}, out.size()}, [&] { read(item, out.emplace_back()); });
  }
  template <class T>
  void read(const Value& value, std::map<std::string, T>& out) {
    if (value.kind != Value::Kind::object) return violation("expected an object");
    for (const Value& member : value) within({member.name, 0}, [&] { read(member, out[std::string(member.name)]); });
  }
  template <Record T>
  void read(const Value& value, T& out) {
    if (value.kind != Value::Kind::object) return violation("expected an object");
    std::apply([&](const auto&... field) { (read_field(value, out, field), ...); }, fields<T>);
  }

 private:
  struct Step {  // into a member, or into an item of an array when the name has no characters at all
    std::string_view name;
    std::size_t index;
  };
  template <class T, class F>
  void read_field(const Value& object, T& out, const F& field) {
    const Value* const value = object.find(field.name);
    const bool absent = value == nullptr || value->kind == Value::Kind::null;
    if (absent && !field.is_required) return;
    within({field.name, 0}, [&] {
      if (absent) return violation("is missing");
      read(*value, out.*(field.member));
    });
  }
  template <class Body>
  void within(Step step, Body body) {
    path_.push_back(step);
    body();
    path_.pop_back();
  }
  void not_within(std::string_view number, const std::string& least, const std::string& most);

  std::vector<Step> path_;
  std::vector<std::string> violations_;
  std::size_t unlisted_ = 0;
};

template <class T>
[[nodiscard]] T read(std::string_view text) {
  T out{};
  Reader reader;
  reader.read(parse(text).root(), out);
  reader.finish();
  return out;
}

// Throws Error for what JSON cannot hold: strings that are not UTF-8.
class Writer {
 public:
  // indent 0: compact, one line. Else one member a line, and a newline at the end.
  explicit Writer(unsigned indent) : indent_(indent) {}
  [[nodiscard]] std::string text() const { return indent_ == 0 ? text_ : text_ + "\n"; }

  void write(bool value);
  void write(const Decimal& value) { write_number(value.digits); }
  void write(const std::string& value);
  template <Integer T>
  void write(T value) {
    write_number(std::to_string(value));
  }
  template <class T>
  void write(const std::optional<T>& value) {
    if (value) return write(*value);
    write_null();
  }
  template <class T>
  void write(const std::vector<T>& values) {
    open_array();
    for (const auto& value : values) write(value);
    close_array();
  }
  template <class T>
  void write(const std::map<std::string, T>& values) {
    open_object();
    for (const auto& [name, value] : values) {
      write_name(name);
      write(value);
    }
    close_object();
  }
  template <Record T>
  void write(const T& value) {
    open_object();
    std::apply([&](const auto&... field) { (write_field(value, field), ...); }, fields<T>);
    close_object();
  }

 private:
  template <class T>
  static bool is_empty(const T& value) {
    if constexpr (requires { value.has_value(); }) {
      return !value.has_value();
    } else if constexpr (requires { value.empty(); }) {
      return value.empty();
    } else if constexpr (std::same_as<T, bool>) {
      return !value;
    } else {
      return false;
    }
  }
  template <class T, class F>
  void write_field(const T& object, const F& field) {
    const auto& value = object.*(field.member);
    if (!field.is_required && is_empty(value)) return;
    write_name(field.name);
    write(value);
  }
  void write_name(std::string_view name);
  void write_number(std::string_view digits);
  void write_null() { write_number("null"); }
  void open_array() { open('['); }
  void close_array() { close(']'); }
  void open_object() { open('{'); }
  void close_object() { close('}'); }

  void write_string(std::string_view characters);
  void begin_value();
  void open(char bracket);
  void close(char bracket);
  void begin_line();

  std::size_t indent_;
  std::size_t depth_ = 0;
  bool is_first_ = true;  // of what is open
  bool is_after_name_ = false;
  std::string text_;
};

template <class T>
[[nodiscard]] std::string write(const T& value, unsigned indent = 0) {
  Writer writer(indent);
  writer.write(value);
  return writer.text();
}

}  // namespace agentsafe::json
