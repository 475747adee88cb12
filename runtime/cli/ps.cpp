#include <unistd.h>

#include "runtime/cli/invocation.h"
#include "runtime/cli/ps_table.h"
#include "runtime/cli/verbs.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"
#include "runtime/sys/signal.h"

namespace agentsafe::cli {
namespace {

constexpr int not_started = 127;
constexpr std::size_t output_limit = 64U << 20;

// What the host's ps prints; its complaints go to our standard error.
std::string run_ps(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "ps");
  const std::vector<char*> argv = sys::c_strings(arguments);
  sys::Pipe output = sys::pipe();
  const sys::Child child = sys::clone3({}, [&] {
    sys::dup3_onto(output.write_end, STDOUT_FILENO);
    sys::reset_signals();
    ::execvp(argv[0], argv.data());
    return not_started;
  });
  output.write_end.reset();
  std::string text = sys::read_all(output.read_end, output_limit);
  const int status = sys::wait(child.pidfd).status();
  if (status == not_started) fail("ps could not be run: the host needs it in PATH (package procps)");
  if (status != 0) fail("ps ended with status " + std::to_string(status));
  return text;
}

}  // namespace

int ps(const Invocation& invocation) {
  const auto pids = container::processes(invocation.runtime, invocation.id());
  if (invocation.arguments.text("format") == "json") {
    invocation.print(pids_as_json(pids));
    return 0;
  }
  const auto& words = invocation.arguments.positional();
  std::vector<std::string> arguments(words.begin() + 1, words.end());
  if (arguments.empty()) arguments.emplace_back("-ef");
  invocation.print(filter_ps(run_ps(std::move(arguments)), pids));
  return 0;
}

}  // namespace agentsafe::cli
