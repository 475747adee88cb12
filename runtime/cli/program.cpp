#include "runtime/cli/program.h"

#include "runtime/base/error.h"
#include "runtime/cli/globals.h"
#include "runtime/cli/usage.h"
#include "runtime/security/library_tables.h"

namespace agentsafe::cli {
namespace {

// A command, and what is known of its fate; the words of an error depend on how far it got.
struct Call {
  const Command* command = nullptr;
  Log log;  // standard error until --log is known
};

void check_count(const Command& command, const Arguments& arguments) {
  const std::size_t count = arguments.positional().size();
  if (count >= command.min_arguments && count <= command.max_arguments) return;
  const std::string expected = command.arguments.empty() ? "no arguments" : std::string(command.arguments);
  throw UsageError("expected " + expected + ", got " + std::to_string(count) + " arguments");
}

int run_command(Call& call, const Arguments& global, const std::vector<std::string>& words,
                const Environment& environment, const Print& print) {
  const Command& command = *call.command;
  const Order order = command.stops_at_first_argument ? Order::options_first : Order::mixed;
  const Arguments arguments = parse(words, command.options, order);
  if (arguments.on("help")) {
    print(command_usage(command));
    return 0;
  }
  check_count(command, arguments);
  container::Runtime runtime = runtime_settings(global, environment, call.log);
  if (environment.state_root_is_own && !runtime.root_is_explicit) make_own_state_root(environment);
  call.log.debug(std::string(command.name) + ": the state root is " + runtime.root);
  const int status = command.run({arguments, environment, runtime, print});
  call.log.debug(std::string(command.name) + ": ends with status " + std::to_string(status));
  if (wants_warnings(global)) call.log.flush();
  return status;
}

// "help" and "help COMMAND".
int help(const std::vector<std::string>& words, const Print& print) {
  if (words.empty()) {
    print(program_usage());
    return 0;
  }
  const Command* command = find_command(words.front());
  if (command == nullptr) throw UsageError("unknown command \"" + text::escaped(words.front()) + "\"");
  print(command_usage(*command));
  return 0;
}

int run_words(Call& call, const std::string& program, const std::vector<std::string>& words,
              const Environment& environment, const Print& print) {
  const Arguments global = parse(words, global_options(), Order::options_first);
  call.log = open_log(global);
  if (global.on("version")) {
    print(version_text(program, std::string(security::libseccomp_version())));
    return 0;
  }
  std::vector<std::string> rest = global.positional();
  if (rest.empty() || global.on("help")) return help({}, print);
  const std::string name = rest.front();
  rest.erase(rest.begin());
  if (name == "help") return help(rest, print);
  call.command = find_command(name);
  if (call.command == nullptr) throw UsageError("unknown command \"" + text::escaped(name) + "\"");
  return run_command(call, global, rest, environment, print);
}

std::string command_words(const std::string& program, const Command* command) {
  std::string words(program_name(program));
  if (command != nullptr) words.append(" ").append(command->name);
  return words;
}

}  // namespace

int run_program(const std::string& program, const std::vector<std::string>& words, const Environment& environment,
                const Print& print) {
  Call call;
  try {
    return run_words(call, program, words, environment, print);
  } catch (const UsageError& error) {
    const std::string name = command_words(program, call.command);
    call.log.error(name + ": " + error.what() + " (see " + name + " --help)");
    return 1;
  } catch (const std::exception& error) {
    const bool ran = call.command != nullptr;
    call.log.error(command_words(program, call.command) + (ran ? " failed: " : ": ") + error.what());
    return ran ? call.command->failure_status : 1;
  }
}

}  // namespace agentsafe::cli
