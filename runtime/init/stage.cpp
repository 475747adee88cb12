#include <grp.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/base/error.h"
#include "runtime/cgroup/join.h"
#include "runtime/init/init.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"

namespace agentsafe::init {
namespace {

// As the root of the new user namespace, once its maps are written.
void become_root_of_namespace() {
  if (::setresgid(0, 0, 0) != 0 || ::setresuid(0, 0, 0) != 0)
    fail_errno("become root of the user namespace: is container id 0 in linux.uidMappings and linux.gidMappings?");
}

void make_user_namespace(const plan::InitPlan& plan, process::Channel& channel) {
  if ((plan.namespaces.create & CLONE_NEWUSER) == 0) return;
  sys::unshare(CLONE_NEWUSER);
  channel.send(process::Kind::need_maps);
  channel.expect(process::Kind::maps_written);
  become_root_of_namespace();
}

// Files, and the terminal that exec opens, must belong to an id that is mapped there. A namespace without an id 0 leaves
// us who we are.
void become_root_where_joined(const namespaces::NamespacePlan& plan) {
  bool joined = (plan.join_pidfd >= 0) && (plan.join_pidfd_flags & CLONE_NEWUSER) != 0;
  for (const auto& ns : plan.join) joined = joined || ns.flag == CLONE_NEWUSER;
  if (!joined) return;
  if ((::setresgid(0, 0, 0) != 0 || ::setresuid(0, 0, 0) != 0) && errno != EINVAL)
    fail_errno("become root of the joined user namespace");
}

[[noreturn]] void run_reported(const plan::InitPlan& plan, process::Channel& channel) {
  try {
    run(plan, channel);
  } catch (const Error& error) {
    channel.send(process::Kind::failed, error.error_number(), error.message());
  }
  ::_exit(1);
}

}  // namespace

void run_staged(const plan::InitPlan& plan, process::Channel& channel) {
  // A rootless runtime must be able to open our /proc/PID/uid_map: dumpable until the maps are written.
  if (!plan.namespaces.rootless) sys::set_dumpable(false);
  cgroup::join_self(plan.cgroup_join_files);
  std::vector<namespaces::Join> refused;
  namespaces::join_before_user(plan.namespaces, refused);
  in_context("make the user namespace", [&] { make_user_namespace(plan, channel); });
  namespaces::join_user_and_rest(plan.namespaces, refused);
  become_root_where_joined(plan.namespaces);
  sys::set_dumpable(false);
  namespaces::make_time_namespace(plan.namespaces);

  sys::CloneOptions options;
  options.flags = namespaces::clone_flags(plan.namespaces) | CLONE_PARENT;
  const sys::Child child = sys::clone3(options, [&]() -> int { run_reported(plan, channel); });
  channel.send(process::Kind::cloned, child.pid, {}, {child.pidfd.get()});
  ::_exit(0);
}

}  // namespace agentsafe::init
