// Terminals and pseudoterminals. Source: termios(3), ioctl_tty(2), pty(7).
//
//   sys::RawMode raw(FdRef(STDIN_FILENO));                     // until the end of the block
//   if (auto size = sys::window_size(FdRef(STDIN_FILENO))) sys::set_window_size(master, *size);
#pragma once
#include <sys/ioctl.h>
#include <termios.h>

#include <optional>

#include "runtime/base/unique_fd.h"

namespace agentsafe::sys {

[[nodiscard]] bool is_terminal(FdRef fd);

// Empty when it is no terminal.
[[nodiscard]] std::optional<winsize> window_size(FdRef terminal);
void set_window_size(FdRef terminal, const winsize& size);

// The other end of a pseudoterminal, not made the controlling terminal. By descriptor, no path of the container's
// /dev/pts is walked (CVE-2025-52565).
UniqueFd open_pty_peer(FdRef master);

// Owns the raw mode of a terminal: every byte is passed on as it is, and the mode it was in is put back at the end.
class RawMode {
 public:
  explicit RawMode(FdRef terminal);  // throws when it is no terminal
  RawMode(const RawMode&) = delete;
  RawMode& operator=(const RawMode&) = delete;
  ~RawMode();
  // Once more: a shell sets its own mode while we are stopped.
  void again();

 private:
  FdRef terminal_;
  termios before_{};
};

}  // namespace agentsafe::sys
