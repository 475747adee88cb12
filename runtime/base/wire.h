// Plain structs as bytes, for the way from the runtime to the init image and back. Both ends come from one build, so
// there is no versioning; the reader still trusts no length.
//
//   struct Point { int x; std::string name; };
//   template <> inline constexpr auto agentsafe::wire::members<Point> = std::tuple{&Point::x, &Point::name};
//   std::string bytes = wire::encode(point);
//   Point copy = wire::decode<Point>(bytes);         // throws Error on short or left-over bytes
//
// Handles integers, bool, enums, std::string, std::vector, std::optional, std::pair and structs with a member list.
#pragma once
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "runtime/base/error.h"

namespace agentsafe::wire {

template <class T>
inline constexpr auto members = std::tuple{};

template <class T>
concept Scalar = std::is_arithmetic_v<T> || std::is_enum_v<T>;
template <class T>
concept Record = std::tuple_size_v<std::remove_cvref_t<decltype(members<T>)>> > 0;

template <Scalar T>
void write(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}
inline void write(std::string& out, const std::string& value) {
  write(out, static_cast<std::uint32_t>(value.size()));
  out += value;
}
template <class T>
void write(std::string& out, const std::vector<T>& values);
template <class T>
void write(std::string& out, const std::optional<T>& value);
template <class A, class B>
void write(std::string& out, const std::pair<A, B>& value);
template <Record T>
void write(std::string& out, const T& value) {
  std::apply([&](auto... member) { (write(out, value.*member), ...); }, members<T>);
}
template <class T>
void write(std::string& out, const std::vector<T>& values) {
  write(out, static_cast<std::uint32_t>(values.size()));
  for (const auto& value : values) write(out, value);
}
template <class T>
void write(std::string& out, const std::optional<T>& value) {
  write(out, value.has_value());
  if (value) write(out, *value);
}
template <class A, class B>
void write(std::string& out, const std::pair<A, B>& value) {
  write(out, value.first);
  write(out, value.second);
}

[[noreturn]] inline void too_short() { fail("decode a message: it is too short"); }

inline std::string_view take(std::string_view& in, std::size_t size) {
  if (in.size() < size) too_short();
  const auto head = in.substr(0, size);
  in.remove_prefix(size);
  return head;
}

template <Scalar T>
void read(std::string_view& in, T& value) {
  std::memcpy(&value, take(in, sizeof value).data(), sizeof value);
}
inline void read(std::string_view& in, std::string& value) {
  std::uint32_t size = 0;
  read(in, size);
  value = take(in, size);
}
template <class T>
void read(std::string_view& in, std::vector<T>& values);
template <class T>
void read(std::string_view& in, std::optional<T>& value);
template <class A, class B>
void read(std::string_view& in, std::pair<A, B>& value);
template <Record T>
void read(std::string_view& in, T& value) {
  std::apply([&](auto... member) { (read(in, value.*member), ...); }, members<T>);
}
template <class T>
void read(std::string_view& in, std::vector<T>& values) {
  std::uint32_t count = 0;
  read(in, count);
  if (count > in.size()) too_short();  // every element takes at least one byte
  values.resize(count);
  for (auto& value : values) read(in, value);
}
template <class T>
void read(std::string_view& in, std::optional<T>& value) {
  bool present = false;
  read(in, present);
  if (present) read(in, value.emplace());
}
template <class A, class B>
void read(std::string_view& in, std::pair<A, B>& value) {
  read(in, value.first);
  read(in, value.second);
}

template <class T>
[[nodiscard]] std::string encode(const T& value) {
  std::string out;
  write(out, value);
  return out;
}
template <class T>
[[nodiscard]] T decode(std::string_view bytes) {
  T value{};
  read(bytes, value);
  if (!bytes.empty()) fail("decode a message: " + std::to_string(bytes.size()) + " bytes are left over");
  return value;
}

}  // namespace agentsafe::wire
