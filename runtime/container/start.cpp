// start: lets the init of a created container execute the user's program, and learns whether that worked.
#include <fcntl.h>
#include <poll.h>

#include <cerrno>

#include "runtime/base/error.h"
#include "runtime/container/container.h"
#include "runtime/container/notify.h"
#include "runtime/container/poststart.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"

namespace agentsafe::container {
namespace {

// The init's end of the fifo: one byte, then the end of file when execve succeeded (its descriptor is close-on-exec), or
// the text of what failed. Never blocks on a dead init: its pidfd is watched too.
std::string read_until_execution(FdRef fifo, FdRef init) {
  std::string said;
  bool init_alive = true;
  for (;;) {
    pollfd fds[2] = {{fifo.get(), POLLIN, 0}, {init_alive ? init.get() : -1, POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0 && errno != EINTR) fail_errno("wait at the exec fifo");
    if (fds[1].revents != 0) init_alive = false;
    char buffer[4096];
    const ssize_t n = fds[0].revents != 0 || !init_alive ? ::read(fifo.get(), buffer, sizeof buffer) : -1;
    if (n > 0) said.append(buffer, static_cast<std::size_t>(n));
    if (n == 0 && (!said.empty() || !init_alive)) return said;  // 0 before the first byte: not opened yet
    if (n < 0 && !init_alive) return said;
  }
}

}  // namespace

void start(Runtime& runtime, const StartRequest& request) {
  Container container = lock_container(runtime, request.id);
  container.require(Operation::start);
  const UniqueFd init = container.init();
  if (!init) fail("cannot start a container that has stopped");
  std::optional<NotifySocket> notify;
  if (!request.notify_socket.empty()) notify.emplace(NotifySocket::open(container.dir.path(), request.notify_socket));

  const UniqueFd fifo = sys::openat(container.dir.fd(), "exec.fifo", O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
  const std::string said = read_until_execution(fifo, init);
  if (said.empty()) fail("cannot start a container that has stopped");
  container.dir.remove_fifo();
  if (said.size() > 1) fail(said.substr(1));
  run_poststart_hooks(runtime, container, container.dir.load_config());
  if (notify) notify->relay(init, container.record.pid);
}

}  // namespace agentsafe::container
