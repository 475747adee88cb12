// What stood on the command line, parsed by the rules of Go's flag package that runc's callers rely on:
// one dash or two before any name, "--name=value" or "--name value" (the next word whatever it looks like: "-1", "-",
// ""), switches as "--name" or "--name=false", "--" ends the options, no guessing from prefixes, the last of several
// counts. What was found is kept as Boost.Program_options' parsed options; the command table (command.h) describes
// them.
//
//   Arguments given = parse({"--bundle", "/b", "web"}, options, Order::mixed);
//   given.text("bundle")   → "/b"        given.positional() → {"web"}
//
// Errors (usage): "flag provided but not defined: -x", "flag needs an argument: --x", `invalid value "y" for --x: …`.
#pragma once
#include <boost/program_options/parsers.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/cli/command.h"

namespace agentsafe::cli {

// An error of the command line itself: exit status 1 whatever the command.
struct UsageError : Error {
  using Error::Error;
};

class Arguments {
 public:
  Arguments() = default;
  explicit Arguments(std::vector<boost::program_options::option> options);

  [[nodiscard]] bool given(std::string_view name) const { return last(name) != nullptr; }
  [[nodiscard]] bool on(std::string_view name) const;  // a switch; false when not given
  [[nodiscard]] std::string text(std::string_view name, std::string_view otherwise = "") const;
  [[nodiscard]] std::vector<std::string> list(std::string_view name) const;

  // A decimal number in Integer's range; nothing when not given or "".
  template <class Integer>
  [[nodiscard]] std::optional<Integer> number(std::string_view name) const {
    const std::string raw = text(name);
    if (raw.empty()) return std::nullopt;
    if (const auto value = text::parse<Integer>(raw)) return value;
    refuse(name, raw, "expected a whole number");
  }

  [[nodiscard]] const std::vector<std::string>& positional() const { return positional_; }

  // Throws UsageError: invalid value "raw" for --name: why.
  [[noreturn]] static void refuse(std::string_view name, std::string_view raw, std::string_view why);

 private:
  // Of several the last: callers that wrap us add their own --debug or --root before ours.
  [[nodiscard]] const boost::program_options::option* last(std::string_view name) const;

  std::vector<boost::program_options::option> options_;
  std::vector<std::string> positional_;
};

// mixed: options may follow arguments. options_first: everything after the first argument is an argument.
enum class Order { mixed, options_first };

// "help" with 'h' is an option everywhere; parsing ends where it is met.
[[nodiscard]] Arguments parse(std::vector<std::string> words, std::span<const Option> options, Order order);

}  // namespace agentsafe::cli
