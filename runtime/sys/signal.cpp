#include "runtime/sys/signal.h"

#include <sys/signalfd.h>

#include <cerrno>
#include <csignal>

#include "runtime/base/error.h"

namespace agentsafe::sys {

void reset_signals() {
  struct sigaction by_default {};
  by_default.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction current {};
    if (::sigaction(signal, nullptr, &current) == 0 && current.sa_handler != SIG_DFL)
      ::sigaction(signal, &by_default, nullptr);
  }
  sigset_t none;
  ::sigemptyset(&none);
  if (::sigprocmask(SIG_SETMASK, &none, nullptr) != 0) fail_errno("reset the signal mask");
}

void ignore_signal(int signal) {
  if (::signal(signal, SIG_IGN) == SIG_ERR) fail_errno("ignore a signal");
}

UniqueFd signalfd_of_all() {
  sigset_t all;
  ::sigfillset(&all);
  for (const int fault : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP}) ::sigdelset(&all, fault);
  if (::sigprocmask(SIG_SETMASK, &all, nullptr) != 0) fail_errno("block the signals");
  UniqueFd fd(::signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) fail_errno("signalfd");
  return fd;
}

int next_signal(FdRef signalfd) {
  signalfd_siginfo info{};
  const ssize_t n = ::read(signalfd.get(), &info, sizeof info);
  if (n == static_cast<ssize_t>(sizeof info)) return static_cast<int>(info.ssi_signo);
  if (n < 0 && errno != EAGAIN && errno != EINTR) fail_errno("read a signal");
  return 0;
}

}  // namespace agentsafe::sys
