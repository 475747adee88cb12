// What run and exec do until their process ends, when they are not detached: pass on signals, copy the terminal, reap.
//
//   Foreground foreground;                              // before the clone: no signal is missed from here on
//   Launched launched = launch(…);
//   …
//   return foreground.wait(launched.init.pidfd, launched.init.pid, std::move(console));
//
// Without a terminal the process has our standard streams themselves; nothing is copied. With one, ours is raw until
// wait() returns or throws, and its size follows.
//
// Every signal goes to the process, except SIGCHLD, SIGURG (kernel's and runtimes' own business), SIGWINCH of a terminal
// (the new size is set instead, the kernel tells the process) and SIGTTIN and SIGTTOU, which stop us as they stop any
// program that uses its terminal from the background. SIGTSTP goes to the process too: a container is not stopped by ^Z.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "runtime/base/unique_fd.h"
#include "runtime/container/notify.h"
#include "runtime/sys/signal.h"
#include "runtime/sys/terminal.h"

namespace agentsafe::container {

class Foreground {
 public:
  // Answers the exit status as a shell has it: the program's own, or 128 + the number of the signal that ended it.
  // pid: a child of ours. console: the master of its terminal, empty without one. notify: readiness is passed on too,
  // naming us as the main process: it is our end that the service manager waits for.
  // Also reaps all other children: with the subreaper on, a container's orphans become ours.
  // An error ends the process, which nobody would wait for any more.
  int wait(FdRef pidfd, pid_t pid, UniqueFd console, NotifySocket* notify = nullptr);

 private:
  sys::BlockedSignals signals_;
};

// The size of the terminal that we run in, if any of our standard streams is one.
[[nodiscard]] std::optional<winsize> callers_window_size();
// The same for a plan's console, before its program starts; a size that process.consoleSize has set stays.
void size_like_callers(std::uint16_t& height, std::uint16_t& width);

// Makes uid the owner of the pipes and sockets among our standard streams, so that a process with that uid can open its
// /dev/stdout again. The group stays. Everything else keeps its owner: files, devices and our terminal belong to the
// host, and whoever owns a terminal can open it, after the container has ended too.
// What the kernel refuses (no privilege, an id that is not mapped, a read-only file system) stays as it is.
void give_stdio_to(uid_t uid);

}  // namespace agentsafe::container
