// A shared library, for a program that is static and can load none: a small second program of ours (agentsafe-bridge,
// embedded, dynamically linked with the C library) loads it and calls its functions for us. One process per Library; it
// ends with its owner. Nothing of it exists until a verb needs it.
//
//   bridge::Library sd({.soname = "libsystemd.so.0", .remedy = "install libsystemd0, or use
//   --cgroup-manager=cgroupfs"}); const auto bus = sd.cell();                                       // keeps a pointer
//   in there bridge::Steps steps; steps.call("sd_bus_open_system", {bridge::out(bus)});
//   steps.call("sd_bus_get_unique_name", {bridge::in(bus), bridge::out(name)}).string(name);
//   bridge::Answer answer = sd.run(steps);                            // one round trip, about 20 µs
//   answer.texts[0] …                                                 // ":1.7"
//
// Arguments are integers, texts and cells, at most six; results are integers and pointers. There is no type check: the
// library's header is the contract. Errors are Errors of one line; those of a library that cannot be loaded end with
// the remedy.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/unique_fd.h"
#include "runtime/bridge/wire_format.h"
#include "runtime/sys/process.h"

namespace agentsafe::bridge {

// A 64-bit word of the bridge that outlives the steps: a pointer, an out parameter, or with its followers a struct.
struct Cell {
  std::uint16_t index = 0;
};

// One argument of a call, in wire form.
class Value {
 public:
  Value(Argument kind, std::uint64_t number);
  explicit Value(Cell cell, Argument kind);
  explicit Value(std::string_view text);
  explicit Value(Argument kind);  // that needs nothing more
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};
[[nodiscard]] inline Value number(std::int64_t value) { return {Argument::number, static_cast<std::uint64_t>(value)}; }
[[nodiscard]] inline Value null() { return number(0); }
// Also any bytes: a pointer to them, a NUL behind them.
[[nodiscard]] inline Value text(std::string_view value) { return Value(value); }
[[nodiscard]] inline Value in(Cell cell) { return Value(cell, Argument::cell); }           // what it holds
[[nodiscard]] inline Value out(Cell cell) { return Value(cell, Argument::cell_address); }  // its address
// int f(const char*, …): what Library::on_call answers.
[[nodiscard]] inline Value callback() { return Value(Argument::callback); }

// What the bridge is to do, in order.
class Steps {
 public:
  // The function's negative result is -errno, at which the run stops and throws "NAME: <errno in words>".
  Steps& call(std::string_view function, const std::vector<Value>& arguments);
  // Any result is fine: it is in Answer::numbers. `into` keeps it (a pointer) for later steps.
  Steps& call_any(std::string_view function, const std::vector<Value>& arguments, Cell into = {no_cell});
  Steps& word(Cell cell);    // → Answer::numbers
  Steps& string(Cell cell);  // the C string it points to → Answer::texts; "" for a null pointer
  [[nodiscard]] bool empty() const { return kinds_.empty(); }

 private:
  friend class Library;
  Steps& add_call(std::string_view function, const std::vector<Value>& arguments, Check check, Cell into);
  std::string bytes_;
  std::vector<Step> kinds_;
};

struct Answer {
  std::vector<std::int64_t> numbers;  // of each call and word
  std::vector<std::string> texts;     // of each string

  // The result of a function that returns int: its upper half is undefined.
  [[nodiscard]] int integer(std::size_t index) const { return static_cast<int>(numbers.at(index)); }
};

struct Setting {
  std::string soname;                    // "libcriu.so.2"
  std::string remedy;                    // "install the package libcriu2"
  std::vector<std::string> environment;  // of the bridge: libraries read it ("PATH=…")
  std::vector<int> inherit;              // descriptors that the library is to have, under the same numbers
  std::chrono::milliseconds limit{std::chrono::seconds(60)};  // for each answer; negative: none
};

class Library {
 public:
  explicit Library(Setting setting);
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  ~Library();  // ends the bridge and waits for it

  // Up to cell_count of them; `count` in a row make a struct.
  [[nodiscard]] Cell cell(std::uint16_t count = 1);
  Answer run(const Steps& steps);
  // For functions that call back; it may run() steps itself. What it throws comes out of the outer run(), after the
  // library was given -1.
  void on_call(std::function<int(const std::string&)> handler) { handler_ = std::move(handler); }
  // A copy of a descriptor that a function has answered.
  [[nodiscard]] UniqueFd take_fd(int fd) const { return sys::pidfd_getfd(bridge_.pidfd, fd); }
  [[nodiscard]] pid_t pid() const { return bridge_.pid; }

 private:
  struct Received {
    Frame kind{};
    std::string payload;
  };
  void spawn();
  void open();
  void send(Frame kind, std::string_view payload);
  Received receive();
  void receive_bytes(char* into, std::size_t size);
  void answer_call(const Received& question);
  [[noreturn]] void explain_end();

  Setting setting_;
  UniqueFd socket_;
  sys::Child bridge_;
  std::uint16_t used_cells_ = 0;
  std::function<int(const std::string&)> handler_;
  std::exception_ptr thrown_;
};

}  // namespace agentsafe::bridge
