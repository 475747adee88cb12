// Signals. Source: signal(7), sigprocmask(2), sigaction(2), signalfd(2).
#pragma once
#include <csignal>
#include <cstdint>
#include <optional>
#include <string_view>

#include "runtime/base/unique_fd.h"

namespace agentsafe::sys {

// For a program about to be started: nothing blocked, every disposition the default (an ignored SIGPIPE or SIGCHLD
// would be inherited across execve). which: bit 0 is signal 1; those that are known to be ignored, or all.
void reset_signals(std::uint64_t which = ~std::uint64_t{0});
// The mask of those that are ignored, from the text of /proc/PID/status. Throws where it has none.
[[nodiscard]] std::uint64_t ignored_signals(std::string_view proc_status);
void ignore_signal(int signal);

// Holds back every signal that can be and delivers them through a descriptor instead. At the end what has come and was
// not read is dropped, and the old mask is put back. Children are zombies until they are reaped, whatever our caller
// had set for SIGCHLD.
//
//   sys::BlockedSignals signals;
//   poll(signals.fd()) …
//   while (auto signal = signals.next()) forward(signal->number);
//
// Not SIGTTIN and SIGTTOU: they stop a program that uses its terminal from the background, which nobody else can do.
// A fault of our own (SIGSEGV …) still ends us, the kernel sees to that.
class BlockedSignals {
 public:
  struct Signal {
    int number = 0;
    bool our_own = false;  // raised by what this process did, such as SIGPIPE by a write
  };

  BlockedSignals();
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;
  ~BlockedSignals();

  [[nodiscard]] FdRef fd() const { return fd_; }
  // The next one that is pending; never waits.
  std::optional<Signal> next();

 private:
  sigset_t before_{};
  UniqueFd fd_;
};

}  // namespace agentsafe::sys
