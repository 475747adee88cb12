#include "runtime/namespaces/namespaces.h"

#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>

#include <cerrno>

#include "runtime/base/error.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"

namespace agentsafe::namespaces {
namespace {

struct TypeName {
  const char* type;
  std::uint64_t flag;
};
constexpr TypeName types[] = {
    {"pid", CLONE_NEWPID}, {"network", CLONE_NEWNET}, {"mount", CLONE_NEWNS},      {"ipc", CLONE_NEWIPC},
    {"uts", CLONE_NEWUTS}, {"user", CLONE_NEWUSER},   {"cgroup", CLONE_NEWCGROUP}, {"time", CLONE_NEWTIME},
};

}  // namespace

std::uint64_t flag_of(const std::string& type) {
  for (const auto& row : types)
    if (type == row.type) return row.flag;
  return 0;
}

const char* type_of(std::uint64_t flag) {
  for (const auto& row : types)
    if (flag == row.flag) return row.type;
  return "unknown";
}

bool NamespacePlan::staged() const {
  return !join.empty() || join_pidfd >= 0 || (create & CLONE_NEWUSER) != 0 || !time_offsets.empty();
}

std::uint64_t clone_flags(const NamespacePlan& plan) {
  std::uint64_t made_apart = CLONE_NEWCGROUP | CLONE_NEWUSER;
  if (!plan.time_offsets.empty()) made_apart |= CLONE_NEWTIME;
  return plan.create & ~made_apart;
}

NamespacePlan plan_namespaces(const oci::Linux& linux, const std::string& hostname, const std::string& domainname,
                              bool rootless) {
  NamespacePlan plan;
  plan.hostname = hostname;
  plan.domainname = domainname;
  plan.rootless = rootless;
  for (const auto& ns : linux.namespaces)
    if (ns.path.empty()) plan.create |= flag_of(ns.type);
  plan.loopback_up = (plan.create & CLONE_NEWNET) != 0;
  for (const auto& [clock, offset] : linux.timeOffsets)
    plan.time_offsets += clock + " " + std::to_string(offset.secs) + " " + std::to_string(offset.nanosecs) + "\n";
  return plan;
}

bool makes_network_at_once(const oci::Linux& linux) {
  std::uint64_t create = 0;
  for (const auto& ns : linux.namespaces) {
    if (!ns.path.empty()) return false;
    create |= flag_of(ns.type);
  }
  return (create & CLONE_NEWNET) != 0 && (create & CLONE_NEWUSER) == 0 && linux.timeOffsets.empty();
}

std::vector<UniqueFd> open_joined(NamespacePlan& plan, const oci::Linux& linux) {
  std::vector<UniqueFd> owners;
  for (const auto& ns : linux.namespaces) {
    if (ns.path.empty()) continue;
    UniqueFd fd = sys::maybe_openat(sys::at_cwd, ns.path, O_RDONLY | O_NOCTTY | O_NONBLOCK);
    if (!fd) fail_errno("join the " + ns.type + " namespace " + ns.path);
    const auto flag = flag_of(ns.type);
    const int type = ::ioctl(fd.get(), NS_GET_NSTYPE);
    if (type < 0) fail("join the " + ns.type + " namespace " + ns.path + ": it is not a namespace");
    if (static_cast<std::uint64_t>(type) != flag)
      fail("join the " + ns.type + " namespace " + ns.path + ": it is a namespace of type " +
           type_of(static_cast<std::uint64_t>(type)));
    plan.join.push_back({flag, fd.get()});
    owners.push_back(std::move(fd));
  }
  return owners;
}

}  // namespace agentsafe::namespaces
