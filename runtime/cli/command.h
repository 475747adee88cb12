// A command of the program as data. One table of these rows (commands.cpp) is where parsing, --help, the man pages and
// the completion files come from, so they cannot disagree.
//
//   constexpr Option options[] = {{"format", 'f', "table|json", "how to print"}, {"quiet", 'q', "", "only the ids"}};
//   constexpr Command row{.name = "list", .summary = "list the containers", .options = options, .run = list};
//
// Everything is constant data: nothing is built at start-up.
#pragma once
#include <span>
#include <string_view>

namespace agentsafe::cli {

struct Invocation;

struct Option {
  std::string_view name;   // the long name, without dashes
  char letter = 0;         // the one-letter name, or 0
  std::string_view value;  // what the value is called: FILE, DIR, N …; "a|b|c" names all there are; empty: on or off
  std::string_view help;   // one line
  bool repeats = false;    // may be given more than once; otherwise the last one counts
  bool hidden = false;     // accepted but not shown: obsolete, or for callers only

  [[nodiscard]] constexpr bool is_switch() const { return value.empty(); }
  [[nodiscard]] constexpr bool is_choice() const { return value.find('|') != std::string_view::npos; }
};

struct Command {
  std::string_view name;
  std::string_view arguments;    // as in the usage line: "CONTAINER-ID [SIGNAL]"
  std::string_view summary;      // one line, lower case, for the list of commands
  std::string_view description;  // whole sentences for --help and the man page
  std::span<const Option> options = {};
  std::size_t min_arguments = 1;
  std::size_t max_arguments = 1;
  bool stops_at_first_argument = false;     // what follows the first argument is not ours to read
  int failure_status = 1;                   // of a run-time error; errors of usage are always 1
  int (*run)(const Invocation&) = nullptr;  // answers the exit status, throws Error
};

// The rows, in the order of the program's help.
[[nodiscard]] std::span<const Command> commands();
[[nodiscard]] const Command* find_command(std::string_view name);
// What may stand before the command's name.
[[nodiscard]] std::span<const Option> global_options();

inline constexpr std::size_t any_number = static_cast<std::size_t>(-1);

}  // namespace agentsafe::cli
