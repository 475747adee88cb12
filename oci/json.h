// JSON for every struct of ours: one constexpr table of fields serves reading, writing and the paths in errors.
//
//   template <>
//   inline constexpr auto agentsafe::json::fields<oci::Rlimit> = std::tuple{
//       required("type", &oci::Rlimit::type), required("hard", &oci::Rlimit::hard), required("soft", &oci::Rlimit::soft)};
//
//   auto limit = json::read<oci::Rlimit>(text);   // throws one Error with every violation: "hard: expected an integer"
//   std::string text = json::write(limit);        // compact; json::write(limit, 2): for people
//
// Handles bool, integers (range-checked), double, std::string, optional, vector, map<string, T> and structs with a
// table. Unknown members are ignored, null counts as absent; when writing, what is empty is left out unless required.
// A syntax error names line and column. Text beyond 16 MiB, nesting beyond 64, duplicate names, invalid UTF-8 and NUL
// characters in strings are refused. Parsing is yajl's; numbers stay text until a field says what they are
// (yajl's own integers end at INT64_MAX).
#pragma once
#include <yajl/yajl_gen.h>

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

#include "runtime/base/error.h"
#include "runtime/base/text.h"

namespace agentsafe::json {

struct Member;  // of an object: a name and its value

struct Value {
  enum class Kind { null, boolean, number, string, array, object };
  Kind kind = Kind::null;
  bool boolean = false;
  std::string text;  // of a string, or of a number as written
  std::vector<Value> items;
  std::vector<Member> members;

  [[nodiscard]] const Value* find(std::string_view name) const;
};

struct Member {
  std::string name;
  Value value;
};

// Throws Error("line 3, column 7: …").
[[nodiscard]] Value parse(std::string_view text);

template <class Struct, class Member>
struct Field {
  const char* name;
  Member Struct::*member;
  bool is_required;
};
template <class Struct, class Member>
constexpr Field<Struct, Member> required(const char* name, Member Struct::*member) {
  return {name, member, true};
}
template <class Struct, class Member>
constexpr Field<Struct, Member> optional(const char* name, Member Struct::*member) {
  return {name, member, false};
}

template <class T>
inline constexpr auto fields = std::tuple{};
template <class T>
concept Record = std::tuple_size_v<std::remove_cvref_t<decltype(fields<T>)>> > 0;
template <class T>
concept Integer = std::integral<T> && !std::same_as<T, bool>;

// Where reading is, and what was wrong so far.
class Reader {
 public:
  void violation(std::string_view what);
  [[nodiscard]] const std::vector<std::string>& violations() const { return violations_; }
  // Throws one Error with all violations when there are any.
  void finish() const;

  void read(const Value& value, bool& out);
  void read(const Value& value, double& out);
  void read(const Value& value, std::string& out);

  template <Integer T>
  void read(const Value& value, T& out) {
    if (value.kind != Value::Kind::number) return violation("expected an integer");
    const auto number = text::parse<T>(value.text);
    if (!number) return violation(value.text + " is not an integer from " + std::to_string(std::numeric_limits<T>::min()) +
                                  " to " + std::to_string(std::numeric_limits<T>::max()));
    out = *number;
  }
  template <class T>
  void read(const Value& value, std::optional<T>& out) {
    read(value, out.emplace());
  }
  template <class T>
  void read(const Value& value, std::vector<T>& out) {
    if (value.kind != Value::Kind::array) return violation("expected an array");
    out.resize(value.items.size());
    for (std::size_t i = 0; i < out.size(); ++i) within(std::to_string(i), [&] { read(value.items[i], out[i]); });
  }
  template <class T>
  void read(const Value& value, std::map<std::string, T>& out) {
    if (value.kind != Value::Kind::object) return violation("expected an object");
    for (const Member& member : value.members) within(member.name, [&] { read(member.value, out[member.name]); });
  }
  template <Record T>
  void read(const Value& value, T& out) {
    if (value.kind != Value::Kind::object) return violation("expected an object");
    std::apply([&](const auto&... field) { (read_field(value, out, field), ...); }, fields<T>);
  }

 private:
  template <class T, class F>
  void read_field(const Value& object, T& out, const F& field) {
    const Value* const value = object.find(field.name);
    within(field.name, [&] {
      if (value != nullptr && value->kind != Value::Kind::null) return read(*value, out.*(field.member));
      if (field.is_required) violation("is missing");
    });
  }
  template <class Body>
  void within(std::string_view name, Body body) {
    path_.push_back(name);
    body();
    path_.pop_back();
  }
  std::vector<std::string_view> path_;
  std::vector<std::string> violations_;
};

template <class T>
[[nodiscard]] T read(std::string_view text) {
  T out{};
  Reader reader;
  reader.read(parse(text), out);
  reader.finish();
  return out;
}

class Writer {
 public:
  // indent 0: compact, one line.
  explicit Writer(unsigned indent);
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer();
  [[nodiscard]] std::string text() const;

  void write(bool value);
  void write(double value);
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
      write(name);
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
  void write_number(const std::string& digits);
  void write_null();
  void open_array();
  void close_array();
  void open_object();
  void close_object();
  yajl_gen gen_;
  std::string indent_;
};

template <class T>
[[nodiscard]] std::string write(const T& value, unsigned indent = 0) {
  Writer writer(indent);
  writer.write(value);
  return writer.text();
}

}  // namespace agentsafe::json
