// Errors are exceptions: a message, an errno (0 when there is none), and the contexts added while unwinding.
// They are printed once, at the top, as one line that reads from the outside in:
//
//   in_context("mount filesystems", [&] { in_context(m.destination, [&] { attach(m); }); });
//   → mount filesystems: /proc: fsconfig(hidepid=2): invalid argument
//
// Expected outcomes are values (std::optional for "may be absent"), never exceptions.
//
// ENOENT is worded "missing (ENOENT)". Docker and podman turn the words "no such file or directory" into exit status
// 127, "your command was not found", so they are kept for the user's own command or file (fail_users_file).
#pragma once
#include <cerrno>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace agentsafe {

class Error : public std::exception {
 public:
  explicit Error(std::string message, int error_number = 0) : message_(std::move(message)), errno_(error_number) {}
  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }
  [[nodiscard]] const std::string& message() const noexcept { return message_; }
  [[nodiscard]] int error_number() const noexcept { return errno_; }
  void add_context(std::string_view context) { message_.insert(0, std::string(context) + ": "); }

 private:
  std::string message_;
  int errno_;
};

// The errno in words, lower case ("permission denied"), ENOENT as "missing (ENOENT)".
[[nodiscard]] std::string errno_text(int error_number);

// Throws Error("what").
[[noreturn]] void fail(std::string what);
// Throws Error("what: <errno in words>"). Reads errno first, so that building `what` cannot change it.
[[noreturn]] void fail_errno(std::string_view what, int error_number = errno);
// The same, with ENOENT worded "no such file or directory": only for a command or file that the user named.
[[noreturn]] void fail_users_file(std::string_view what, int error_number = errno);

template <class F>
decltype(auto) in_context(std::string_view context, F&& body) {
  try {
    return std::forward<F>(body)();
  } catch (Error& error) {
    error.add_context(context);
    throw;
  }
}

}  // namespace agentsafe
