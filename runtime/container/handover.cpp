#include "runtime/container/handover.h"

#include <fcntl.h>

#include "runtime/base/error.h"
#include "runtime/container/fd_socket.h"
#include "runtime/security/listener.h"
#include "runtime/security/rlimits.h"
#include "runtime/sys/fd.h"

namespace agentsafe::container {
namespace {

using process::Kind;

void set_oom_score(pid_t pid, std::int32_t value) {
  in_context("set process.oomScoreAdj " + std::to_string(value), [&] {
    const std::string path = "/proc/" + std::to_string(pid) + "/oom_score_adj";
    sys::write_file(sys::at_cwd, path, std::to_string(value));
  });
}

// The parent takes the descriptor: under its own filter the init may be unable to send one.
void serve_listener(Launched& launched, const Handover& handover) {
  const auto message = launched.channel.expect(Kind::listener);
  const UniqueFd listener = sys::pidfd_getfd(launched.init.pidfd, message.number);
  security::send_to_agent(
      handover.seccomp->listenerPath,
      oci::container_process_state(handover.state, launched.init.pid, handover.seccomp->listenerMetadata), listener);
  launched.channel.send(Kind::proceed);
}

// "/dev/pts/3" of a master; what console socket receivers show as the name.
std::string pty_name(FdRef master) {
  char name[64];
  if (::ptsname_r(master.get(), name, sizeof name) != 0) return "/dev/pts/ptmx";
  return name;
}

}  // namespace

UniqueFd hand_over(Launched& launched, const Handover& handover, const std::function<void()>& before_release) {
  auto ready = launched.channel.expect(Kind::ready);
  UniqueFd master;
  if (!ready.fds.empty()) master = std::move(ready.fds.front());
  if (master && !handover.console_socket.empty()) {
    send_fd(handover.console_socket, pty_name(master), master);
    master.reset();
  }
  if (!handover.pidfd_socket.empty()) send_fd(handover.pidfd_socket, handover.pidfd_name, launched.init.pidfd);
  if (handover.oom_score_adj) set_oom_score(launched.init.pid, *handover.oom_score_adj);
  security::set_rlimits(launched.init.pid, handover.confinement);
  before_release();
  launched.channel.send(Kind::proceed);
  if (handover.seccomp != nullptr && security::wants_listener(handover.confinement)) serve_listener(launched, handover);
  return master;
}

void await_execution(Launched& launched) {
  auto& channel = launched.channel;
  while (auto message = channel.receive()) {
    if (message->kind == Kind::failed) throw Error(message->text, message->number);
    if (message->kind != Kind::warning) fail(std::string("unexpected message ") + process::name_of(message->kind));
    channel.keep_warning(std::move(message->text));
  }
}

void write_pid_file(const std::string& path, pid_t pid) {
  if (path.empty()) return;
  const auto slash = path.find_last_of('/');
  const std::string dir = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  in_context("write the pid file " + path, [&] {
    const UniqueFd parent = sys::openat(sys::at_cwd, dir, O_RDONLY | O_DIRECTORY);
    sys::replace_file(parent, name, std::to_string(pid), 0644);
  });
}

}  // namespace agentsafe::container
