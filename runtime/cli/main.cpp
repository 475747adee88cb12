// The program's entry: makes the process fit to handle containers, then hands over to run_program.
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

#include "runtime/base/error.h"
#include "runtime/base/log.h"
#include "runtime/cli/environment.h"
#include "runtime/cli/program.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/signal.h"

namespace {

using namespace agentsafe;

// A file opened later must never become descriptor 0, 1 or 2.
void open_missing_standard_streams() {
  std::array<pollfd, 3> streams{{{STDIN_FILENO, 0, 0}, {STDOUT_FILENO, 0, 0}, {STDERR_FILENO, 0, 0}}};
  if (::poll(streams.data(), streams.size(), 0) < 0 && errno != EINTR) fail_errno("poll the standard streams");
  for (const auto& stream : streams)
    if ((stream.revents & POLLNVAL) != 0 && ::open("/dev/null", O_RDWR) != stream.fd) fail_errno("open /dev/null");
}

void prepare_process() {
  open_missing_standard_streams();
  // Set-uid, or with file capabilities, the caller's paths would be opened with rights that the caller does not have.
  if (::getauxval(AT_SECURE) != 0) fail("agentsafe must not be installed set-uid or with file capabilities");
  // Nothing the caller left open reaches a container (CVE-2024-21626). What LISTEN_FDS and --preserve-fds name is
  // handed over by number, and kept open on purpose there.
  sys::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  std::signal(SIGCHLD, SIG_DFL);  // ignored by our caller, it would make children vanish before we wait for them
  sys::ignore_signal(SIGPIPE);    // a reader that goes away is an error like any other
}

void print(std::string_view text) {
  in_context("write to standard output", [&] { sys::write_all(FdRef(STDOUT_FILENO), text); });
}

}  // namespace

int main(int argc, char** argv) {
  try {
    prepare_process();
    const std::string program = argc > 0 ? argv[0] : "agentsafe";
    const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
    return cli::run_program(program, words, cli::read_environment(cli::environment_facts()), print);
  } catch (const std::exception& error) {
    Log().error(std::string("agentsafe: ") + error.what());
    return 1;
  }
}
