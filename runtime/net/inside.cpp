#include "runtime/net/inside.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "runtime/base/error.h"
#include "runtime/base/wire.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"
#include "runtime/sys/unix_socket.h"

namespace agentsafe::net {
namespace {

struct Report {
  bool done = false;
  int error_number = 0;
  std::string text;
};

}  // namespace
}  // namespace agentsafe::net

template <>
inline constexpr auto agentsafe::wire::members<agentsafe::net::Report> =
    std::tuple{&agentsafe::net::Report::done, &agentsafe::net::Report::error_number, &agentsafe::net::Report::text};

namespace agentsafe::net {
namespace {

// Root of a user namespace that is there already (rootless Podman) shares it with the container: setns would say
// EINVAL.
bool is_own_user(FdRef userns) {
  const auto theirs = sys::fstat(userns);
  const auto ours = sys::fstat(sys::openat(sys::at_cwd, "/proc/self/ns/user", O_RDONLY));
  return theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev;
}

Report work_inside(FdRef netns, FdRef userns, const std::function<std::string()>& work) {
  try {
    if (userns && !is_own_user(userns)) sys::setns(userns, CLONE_NEWUSER);
    sys::setns(netns, CLONE_NEWNET);
    return {true, 0, work()};
  } catch (const Error& error) {
    return {false, error.error_number(), error.message()};
  }
}

}  // namespace

std::string inside(FdRef netns, const std::function<std::string()>& work, FdRef userns) {
  const auto [ours, theirs] = sys::socketpair(SOCK_SEQPACKET);
  const FdRef helpers_end = theirs;
  // It may share our memory, which saves copying the page tables and every page that it touches: we wait until it has ended,
  // and what it leaves on the heap is only lost. Not where it enters a user namespace: the kernel then marks the memory as
  // that of another user (PR_SET_DUMPABLE), and /proc/self is closed to us.
  const sys::Child helper = sys::clone3({.shares_memory = !userns}, [&] {
    sys::send_message(helpers_end, wire::encode(work_inside(netns, userns, work)));
    return 0;
  });
  sys::wait(helper.pidfd);  // it does not wait for us: its one message fits the socket
  if (!sys::wait_readable(ours, std::chrono::milliseconds(0)))
    fail("the helper inside the network namespace was killed");
  auto report = wire::decode<Report>(sys::receive_message(ours).bytes);
  if (!report.done) throw Error(std::move(report.text), report.error_number);
  return std::move(report.text);
}

}  // namespace agentsafe::net
