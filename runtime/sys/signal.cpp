#include "runtime/sys/signal.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "runtime/base/error.h"
#include "runtime/base/text.h"

namespace agentsafe::sys {

std::uint64_t ignored_signals(std::string_view proc_status) {
  constexpr std::string_view name = "\nSigIgn:\t";
  const auto at = proc_status.find(name);
  const auto digits = at == std::string_view::npos ? "" : proc_status.substr(at + name.size(), 16);
  const auto mask = text::parse<std::uint64_t>(digits, 16);
  if (!mask) fail("read the ignored signals: unexpected text");
  return *mask;
}

void reset_signals(std::uint64_t which) {
  struct sigaction by_default {};
  by_default.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal)
    if ((which >> (signal - 1) & 1) != 0) ::sigaction(signal, &by_default, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  if (::sigprocmask(SIG_SETMASK, &none, nullptr) != 0) fail_errno("reset the signal mask");
}

void ignore_signal(int signal) {
  if (::signal(signal, SIG_IGN) == SIG_ERR) fail_errno("ignore a signal");
}

BlockedSignals::BlockedSignals() {
  sigset_t all;
  ::sigfillset(&all);
  ::sigdelset(&all, SIGTTIN);
  ::sigdelset(&all, SIGTTOU);
  if (::sigprocmask(SIG_SETMASK, &all, &before_) != 0) fail_errno("block the signals");
  fd_.reset(::signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd_) {
    const int error = errno;
    ::sigprocmask(SIG_SETMASK, &before_, nullptr);
    fail_errno("signalfd", error);
  }
  ::signal(SIGCHLD, SIG_DFL);  // ignored, children would vanish with their exit status
}

BlockedSignals::~BlockedSignals() {
  signalfd_siginfo info{};
  while (::read(fd_.get(), &info, sizeof info) > 0) {
  }
  ::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

std::optional<BlockedSignals::Signal> BlockedSignals::next() {
  signalfd_siginfo info{};
  for (;;) {
    const ssize_t n = ::read(fd_.get(), &info, sizeof info);
    if (n == static_cast<ssize_t>(sizeof info))
      return Signal{static_cast<int>(info.ssi_signo), static_cast<pid_t>(info.ssi_pid) == ::getpid()};
    if (errno == EAGAIN) return std::nullopt;
    if (errno != EINTR) fail_errno("read a signal");
  }
}

}  // namespace agentsafe::sys
