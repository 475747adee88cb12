#include "runtime/process/hooks.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"
#include "runtime/sys/signal.h"

namespace agentsafe::process {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kept_output = 4096;

UniqueFd memfd_with(const std::string& bytes) {
  UniqueFd fd = sys::memfd("state");
  sys::write_all(fd, bytes);
  ::lseek(fd.get(), 0, SEEK_SET);
  return fd;
}

[[noreturn]] void become_hook(const HookPlan& hook, FdRef input, FdRef output) {
  sys::dup3_onto(input, STDIN_FILENO);
  sys::dup3_onto(hook.output_fd >= 0 ? FdRef(hook.output_fd) : output, STDOUT_FILENO);
  sys::dup3_onto(hook.error_fd >= 0 ? FdRef(hook.error_fd) : output, STDERR_FILENO);
  sys::reset_signals();
  sys::close_range(3, ~0U, 0);
  if (!hook.cwd.empty() && ::chdir(hook.cwd.c_str()) != 0) ::_exit(126);
  const std::vector<std::string> args = hook.args.empty() ? std::vector{hook.path} : hook.args;
  ::execve(hook.path.c_str(), sys::c_strings(args).data(), sys::c_strings(hook.env).data());
  const std::string why = "exec " + hook.path + ": " + errno_text(errno);
  (void)!::write(STDERR_FILENO, why.data(), why.size());
  ::_exit(127);
}

// Reads what is there, keeping the end of it; false at the end of file.
bool drain(FdRef output, std::string& kept) {
  char buffer[4096];
  const ssize_t n = ::read(output.get(), buffer, sizeof buffer);
  if (n < 0) return errno == EINTR || errno == EAGAIN;
  kept.append(buffer, static_cast<std::size_t>(n));
  if (kept.size() > kept_output) kept.erase(0, kept.size() - kept_output);
  return n > 0;
}

// Until the hook ends, its output is read so that it cannot block on a full pipe. A child that it leaves behind may
// hold the pipe open: the hook's own end decides.
std::optional<sys::Exit> watch(const sys::Child& child, FdRef output, std::int64_t timeout_seconds, std::string& kept) {
  const auto deadline = Clock::now() + std::chrono::seconds(timeout_seconds);
  bool output_open = true;
  for (;;) {
    pollfd fds[2] = {{child.pidfd.get(), POLLIN, 0}, {output_open ? output.get() : -1, POLLIN, 0}};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (timeout_seconds > 0 && left <= 0) return std::nullopt;
    const int n = ::poll(fds, 2, timeout_seconds > 0 ? static_cast<int>(left) : -1);
    if (n < 0 && errno != EINTR) fail_errno("poll");
    if (n <= 0) continue;
    if (fds[1].revents != 0) output_open = drain(output, kept);
    if (fds[0].revents != 0 && (fds[1].revents == 0 || !output_open)) return sys::wait(child.pidfd);
  }
}

}  // namespace

std::vector<HookPlan> plan_hooks(const std::vector<oci::Hook>& hooks, const std::string& cwd,
                                 const std::vector<std::string>& inherited_env) {
  std::vector<HookPlan> plans;
  for (const auto& hook : hooks)
    plans.push_back({hook.path, hook.args, hook.env.value_or(inherited_env), hook.timeout.value_or(0), cwd});
  return plans;
}

void run_hook(const HookPlan& hook, const std::string& state) {
  const UniqueFd input = memfd_with(state);
  sys::Pipe output = sys::pipe();
  const sys::Child child =
      sys::clone3({}, [&]() -> int { become_hook(hook, input, output.write_end); });
  output.write_end.reset();
  std::string said;
  const auto exit = watch(child, output.read_end, hook.timeout_seconds, said);
  const auto quoted = said.empty() ? std::string() : ", output: " + text::escaped(text::trim(said));
  if (!exit) {
    sys::pidfd_send_signal(child.pidfd, SIGKILL);
    sys::wait(child.pidfd);
    fail(hook.path + " ran past its timeout of " + std::to_string(hook.timeout_seconds) + " s and was killed" + quoted);
  }
  if (exit->signal != 0) fail(hook.path + " was ended by signal " + std::to_string(exit->signal) + quoted);
  if (exit->code != 0) fail(hook.path + ": exit status " + std::to_string(exit->code) + quoted);
}

void run_hooks(std::string_view kind, const std::vector<HookPlan>& hooks, const std::string& state) {
  for (std::size_t i = 0; i < hooks.size(); ++i)
    in_context("error running " + std::string(kind) + " hook #" + std::to_string(i),
               [&] { run_hook(hooks[i], state); });
}

}  // namespace agentsafe::process
