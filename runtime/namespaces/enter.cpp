// The init side of namespaces.h: this file is linked into the init image.
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runtime/base/error.h"
#include "runtime/namespaces/namespaces.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"

namespace agentsafe::namespaces {
namespace {

void join(const Join& ns) {
  in_context("join the " + std::string(type_of(ns.flag)) + " namespace",
             [&] { sys::setns(FdRef(ns.fd), static_cast<int>(ns.flag)); });
}

void bring_loopback_up() {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) fail_errno("open a socket to bring up lo");
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) != 0) fail_errno("bring up lo");
}

}  // namespace

void join_before_user(const NamespacePlan& plan, std::vector<Join>& refused) {
  if (plan.join_pidfd >= 0 && plan.join_pidfd_flags != 0)
    in_context("join the container's namespaces",
               [&] { sys::setns(FdRef(plan.join_pidfd), static_cast<int>(plan.join_pidfd_flags)); });
  for (const auto& ns : plan.join) {
    if (ns.flag == CLONE_NEWUSER) continue;
    if (::setns(ns.fd, static_cast<int>(ns.flag)) == 0) continue;
    if (errno != EPERM) fail_errno(std::string("join the ") + type_of(ns.flag) + " namespace");
    refused.push_back(ns);
  }
}

void join_user_and_rest(const NamespacePlan& plan, const std::vector<Join>& refused) {
  for (const auto& ns : plan.join)
    if (ns.flag == CLONE_NEWUSER) join(ns);
  for (const auto& ns : refused) join(ns);
}

void make_time_namespace(const NamespacePlan& plan) {
  if (plan.time_offsets.empty()) return;
  in_context("make the time namespace", [&] {
    sys::unshare(CLONE_NEWTIME);
    sys::write_file(sys::at_cwd, "/proc/self/timens_offsets", plan.time_offsets);
  });
}

void set_up(const NamespacePlan& plan) {
  if (plan.loopback_up) bring_loopback_up();
  if (!plan.hostname.empty() && ::sethostname(plan.hostname.c_str(), plan.hostname.size()) != 0)
    fail_errno("set the host name");
  if (!plan.domainname.empty() && ::setdomainname(plan.domainname.c_str(), plan.domainname.size()) != 0)
    fail_errno("set the domain name");
}

}  // namespace agentsafe::namespaces
