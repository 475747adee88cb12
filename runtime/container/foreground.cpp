#include "runtime/container/foreground.h"

#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "runtime/base/error.h"
#include "runtime/base/scope.h"
#include "runtime/container/console_copy.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"

namespace agentsafe::container {
namespace {

constexpr std::array standard_streams{STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};

// The caller's terminal, if there is one, standing in for the container's.
class Terminal {
 public:
  explicit Terminal(UniqueFd master) : copy(std::move(master), FdRef(STDIN_FILENO), FdRef(STDOUT_FILENO)) {
    const auto size = sys::window_size(copy.master());
    if (size && size->ws_row == 0 && size->ws_col == 0) follow_size();  // else: process.consoleSize
    if (sys::is_terminal(FdRef(STDIN_FILENO))) raw_.emplace(FdRef(STDIN_FILENO));
  }
  void follow_size() {
    const auto size = callers_window_size();
    if (size && copy.master()) sys::set_window_size(copy.master(), *size);
  }
  void resume() {
    if (raw_) raw_->again();
  }
  ConsoleCopy copy;

 private:
  std::optional<sys::RawMode> raw_;
};

class Wait {
 public:
  Wait(sys::BlockedSignals& signals, FdRef pidfd, pid_t pid, NotifySocket* notify)
      : signals_(signals), pidfd_(pidfd), pid_(pid), notify_(notify) {}

  int until_end(std::optional<Terminal>& terminal) {
    while (!exit_) {
      poll_once(terminal);
      reap();
    }
    pass_readiness_on();
    if (terminal) drain(terminal->copy);
    return exit_->status();
  }

 private:
  enum Index { at_signals, at_process, at_notify, at_copy };  // in the array for poll(2); the copy has three places

  void poll_once(std::optional<Terminal>& terminal) {
    std::array<pollfd, 6> fds{{{signals_.fd().get(), POLLIN, 0},
                               {pidfd_.get(), POLLIN, 0},
                               {notify_ != nullptr ? notify_->fd().get() : -1, POLLIN, 0},
                               {-1, 0, 0}, {-1, 0, 0}, {-1, 0, 0}}};
    if (terminal) std::ranges::copy(terminal->copy.interests(), fds.begin() + at_copy);
    if (::poll(fds.data(), fds.size(), -1) < 0) {
      if (errno != EINTR) fail_errno("poll");
      return;
    }
    if (fds[at_signals].revents != 0) take_signals(terminal);
    if (fds[at_notify].revents != 0) pass_readiness_on();
    if (terminal) terminal->copy.go_on({{fds[at_copy], fds[at_copy + 1], fds[at_copy + 2]}});
  }

  // All that has been said: the program's end may come with it.
  void pass_readiness_on() {
    while (notify_ != nullptr && sys::wait_readable(notify_->fd(), std::chrono::milliseconds(0)))
      if (notify_->forward(::getpid())) notify_ = nullptr;
  }

  void take_signals(std::optional<Terminal>& terminal) {
    while (const auto signal = signals_.next()) {
      if (signal->number == SIGCHLD || signal->number == SIGURG) continue;
      if (signal->number == SIGPIPE && signal->our_own) continue;  // the write has failed with EPIPE
      if (signal->number == SIGWINCH && terminal) {
        terminal->follow_size();
        continue;
      }
      if (signal->number == SIGCONT && terminal) terminal->resume();
      sys::pidfd_send_signal(pidfd_, signal->number);
    }
  }

  void reap() {
    for (;;) {
      siginfo_t info{};
      if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | __WALL) != 0) {
        if (errno == EINTR) continue;
        if (errno != ECHILD) fail_errno("wait for children");
        if (!exit_) fail("process " + std::to_string(pid_) + " was waited for by somebody else");
        return;
      }
      if (info.si_pid == 0) return;
      if (info.si_pid != pid_) continue;
      exit_ = info.si_code == CLD_EXITED ? sys::Exit{info.si_status, 0} : sys::Exit{0, info.si_status};
    }
  }

  // Our own output may be held up (^S): a signal, which has no process to go to any more, ends that.
  void drain(ConsoleCopy& output) {
    while (!output.drained()) {
      const auto polled = output.interests();
      std::array<pollfd, 2> fds{{{signals_.fd().get(), POLLIN, 0}, polled[1]}};
      if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) fail_errno("poll");
      while (const auto signal = signals_.next())
        if (signal->number == SIGTERM || signal->number == SIGINT || signal->number == SIGHUP) return;
    }
  }

  sys::BlockedSignals& signals_;
  FdRef pidfd_;
  pid_t pid_;
  NotifySocket* notify_;
  std::optional<sys::Exit> exit_;
};

}  // namespace

int Foreground::wait(FdRef pidfd, pid_t pid, UniqueFd console, NotifySocket* notify) {
  OnExit end_process([&] {
    sys::pidfd_send_signal(pidfd, SIGKILL);
    sys::wait(pidfd);
  });
  std::optional<Terminal> terminal;
  if (console) terminal.emplace(std::move(console));
  const int status = Wait(signals_, pidfd, pid, notify).until_end(terminal);
  end_process.keep();
  return status;
}

std::optional<winsize> callers_window_size() {
  for (const int fd : standard_streams)
    if (auto size = sys::window_size(FdRef(fd))) return size;
  return std::nullopt;
}

void size_like_callers(std::uint16_t& height, std::uint16_t& width) {
  const auto size = callers_window_size();
  if (!size || height != 0 || width != 0) return;
  height = size->ws_row;
  width = size->ws_col;
}

void give_stdio_to(uid_t uid) {
  for (const int fd : standard_streams) {
    const struct stat info = sys::fstat(FdRef(fd));
    const bool ours_to_give = S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode);
    if (!ours_to_give || info.st_uid == uid) continue;
    constexpr auto same_group = static_cast<gid_t>(-1);
    if (::fchown(fd, uid, same_group) == 0) continue;
    if (errno != EPERM && errno != EINVAL && errno != EROFS)
      fail_errno("give standard stream " + std::to_string(fd) + " to uid " + std::to_string(uid));
  }
}

}  // namespace agentsafe::container
