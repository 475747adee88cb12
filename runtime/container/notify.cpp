#include "runtime/container/notify.h"

#include <fcntl.h>
#include <poll.h>

#include <array>
#include <cerrno>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"
#include "runtime/sys/unix_socket.h"

namespace agentsafe::container {
namespace {

constexpr std::chrono::seconds patience{10};
constexpr std::chrono::seconds barrier_limit{30};
constexpr std::size_t longest_message = 4096;

bool says_ready(std::string_view message) {
  for (const auto line : text::lines(message))
    if (line == "READY=1") return true;
  return false;
}

// True when the socket can be read, false when the container's init has ended and nothing is left to read.
bool wait_for_message(FdRef socket, FdRef init) {
  std::array<pollfd, 2> fds{{{socket.get(), POLLIN, 0}, {init.get(), POLLIN, 0}}};
  while (::poll(fds.data(), fds.size(), -1) < 0)
    if (errno != EINTR) fail_errno("poll");
  return fds[0].revents != 0;
}

// Without a buffer for control data: descriptors that the container sends along are closed by the kernel, which is
// also the answer to its own BARRIER=1.
std::string receive(FdRef socket) {
  std::string message(longest_message, '\0');
  const ssize_t n = ::recv(socket.get(), message.data(), message.size(), MSG_DONTWAIT);
  if (n < 0 && errno != EAGAIN && errno != EINTR) fail_errno("receive from the container");
  message.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
  return message;
}

}  // namespace

// 0755 whatever our umask is: the container's users reach the socket through it.
void prepare_notify(const std::string& state_dir) {
  const std::string path = state_dir + "/notify";
  sys::mkdirat(sys::at_cwd, path, 0755);
  sys::fchmod(sys::openat(sys::at_cwd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), 0755);
}

NotifySocket NotifySocket::open(const std::string& state_dir, const std::string& host_socket) {
  return in_context("NOTIFY_SOCKET", [&] {
    if (!host_socket.starts_with('/') && !host_socket.starts_with('@'))
      fail("\"" + text::escaped(host_socket) + "\" is neither an absolute path nor an abstract name (@NAME)");
    UniqueFd host = sys::connect_unix(host_socket, SOCK_DGRAM, patience);
    const UniqueFd dir = sys::openat(sys::at_cwd, state_dir + "/notify", O_PATH | O_DIRECTORY | O_NOFOLLOW);
    return NotifySocket(sys::bind_unix_datagram(dir, "notify.sock", 0777), std::move(host));
  });
}

bool NotifySocket::forward(pid_t main_pid) {
  if (!says_ready(receive(container_))) return false;
  in_context("tell NOTIFY_SOCKET of the container's readiness", [&] {
    sys::send_message(host_, "READY=1\n");
    sys::send_message(host_, "MAINPID=" + std::to_string(main_pid) + "\n");
  });
  return true;
}

void NotifySocket::relay(FdRef init, pid_t pid) {
  while (wait_for_message(container_, init))
    if (forward(pid)) return wait_for_manager();
}

// sd_notify_barrier(3): we must not end before the manager has looked at who spoke to it; it closes the pipe then. All
// has been told by now, so a manager that goes away or takes longer is no error.
void NotifySocket::wait_for_manager() const {
  auto [read_end, write_end] = sys::pipe();
  try {
    sys::send_message(host_, "BARRIER=1", {write_end.get()});
  } catch (const Error&) {
    return;
  }
  write_end.reset();
  sys::wait_readable(read_end, barrier_limit);
}

}  // namespace agentsafe::container
