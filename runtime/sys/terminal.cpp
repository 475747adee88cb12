#include "runtime/sys/terminal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/base/error.h"

namespace agentsafe::sys {
namespace {

bool set_mode(FdRef terminal, const termios& mode) {
  for (;;) {
    if (::tcsetattr(terminal.get(), TCSANOW, &mode) == 0) return true;
    if (errno != EINTR) return false;
  }
}

}  // namespace

bool is_terminal(FdRef fd) { return ::isatty(fd.get()) == 1; }

std::optional<winsize> window_size(FdRef terminal) {
  winsize size{};
  if (::ioctl(terminal.get(), TIOCGWINSZ, &size) == 0) return size;
  return std::nullopt;
}

void set_window_size(FdRef terminal, const winsize& size) {
  if (::ioctl(terminal.get(), TIOCSWINSZ, &size) != 0) fail_errno("set the size of the terminal");
}

UniqueFd open_pty_peer(FdRef master) {
  UniqueFd peer(::ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!peer) fail_errno("open the other end of a pseudoterminal");
  return peer;
}

RawMode::RawMode(FdRef terminal) : terminal_(terminal) {
  if (::tcgetattr(terminal.get(), &before_) != 0) fail_errno("read the mode of the terminal");
  again();
}

RawMode::~RawMode() { set_mode(terminal_, before_); }

void RawMode::again() {
  termios raw = before_;
  ::cfmakeraw(&raw);
  if (!set_mode(terminal_, raw)) fail_errno("put the terminal into raw mode");
}

}  // namespace agentsafe::sys
