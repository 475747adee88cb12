// Readiness of a container, told to the service manager that started us. Source: sd_notify(3).
//
// create with NOTIFY_SOCKET in its environment shows the container <state>/notify at /run/notify. start (or run) binds
// notify.sock there before the program runs. The first READY=1 from inside is passed on:
//
//   container ── READY=1 ──▶ notify.sock ── "READY=1\n", "MAINPID=<pid>\n", "BARRIER=1" + pipe ──▶ NOTIFY_SOCKET
//
// Nothing else that the container says is passed on: with MAINPID or FDSTORE it would speak for the host.
//
//   prepare_notify(state_dir);                                                            // create
//   NotifySocket notify = NotifySocket::open(state_dir, environment.notify_socket);       // start
//   …the program starts…
//   notify.relay(init.pidfd, init.pid);
#pragma once
#include <sys/types.h>

#include <string>

#include "runtime/base/unique_fd.h"

namespace agentsafe::container {

// Makes the folder that is mounted in the container; before its mounts are made.
void prepare_notify(const std::string& state_dir);

class NotifySocket {
 public:
  // host_socket: the value of NOTIFY_SOCKET, a path or @ and an abstract name. Throws when nobody listens there.
  [[nodiscard]] static NotifySocket open(const std::string& state_dir, const std::string& host_socket);

  // Waits until the container is ready, then tells the host that `pid` is the main process, and lets it catch up (at
  // most 30 s). Returns without telling anything when the container's init ends first.
  void relay(FdRef init, pid_t pid);

  // The same in pieces, for a caller with a poll loop of its own: when fd() is readable, forward() reads one message;
  // true once the readiness has been told, then there is nothing more to wait for.
  [[nodiscard]] FdRef fd() const { return container_; }
  [[nodiscard]] bool forward(pid_t main_pid);

 private:
  NotifySocket(UniqueFd container, UniqueFd host) : container_(std::move(container)), host_(std::move(host)) {}
  void wait_for_manager() const;
  UniqueFd container_;
  UniqueFd host_;
};

}  // namespace agentsafe::container
