// Host side: what of the mounts needs the privileges of the host.
#include <fcntl.h>
#include <sched.h>
#include <linux/mount.h>

#include <cerrno>
#include <csignal>

#include "runtime/base/error.h"
#include "runtime/base/scope.h"
#include "runtime/mount/rootfs_plan.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/mount.h"
#include "runtime/sys/process.h"

namespace agentsafe::mount {
namespace {

std::string map_text(const std::vector<oci::IdMapping>& map) {
  std::string text;
  for (const auto& row : map)
    text += std::to_string(row.containerID) + " " + std::to_string(row.hostID) + " " + std::to_string(row.size) + "\n";
  return text;
}

// A user namespace that exists only as this descriptor: a helper makes it and ends.
UniqueFd user_namespace(const std::vector<oci::IdMapping>& uids, const std::vector<oci::IdMapping>& gids) {
  const sys::Pipe pipe = sys::pipe();
  const sys::Child helper = sys::clone3({.flags = CLONE_NEWUSER}, [&] {
    char byte = 0;
    return ::read(pipe.read_end.get(), &byte, 1) == 0 ? 0 : 1;
  });
  OnExit end([&] {
    sys::pidfd_send_signal(helper.pidfd, SIGKILL);
    sys::wait(helper.pidfd);
  });
  const std::string proc = "/proc/" + std::to_string(helper.pid);
  sys::write_file(sys::at_cwd, proc + "/uid_map", map_text(uids));
  sys::write_file(sys::at_cwd, proc + "/gid_map", map_text(gids));
  return sys::openat(sys::at_cwd, proc + "/ns/user", O_RDONLY);
}

UniqueFd idmapped_tree(const MountStep& step) {
  const UniqueFd source = sys::maybe_openat(sys::at_cwd, step.source, O_PATH | (step.source_nofollow ? O_NOFOLLOW : 0));
  if (!source) fail_users_file("open " + step.source);
  UniqueFd tree = sys::clone_tree(source, "", step.recursive);
  const UniqueFd userns = user_namespace(step.uid_map, step.gid_map);
  try {
    sys::mount_setattr(tree, {.set = MOUNT_ATTR_IDMAP, .userns_fd = userns.get()}, step.idmap_recursive);
  } catch (const Error& error) {
    if (error.error_number() != EINVAL) throw;
    fail("idmap " + step.source + ": the file system does not support idmapped mounts (or the kernel is older than it needs)");
  }
  return tree;
}

}  // namespace

std::vector<UniqueFd> open_sources(RootfsPlan& plan) {
  std::vector<UniqueFd> owners;
  for (auto& step : plan.mounts) {
    if (!step.idmapped) continue;
    in_context("mount " + step.destination, [&] {
      if (step.uid_map.empty() || step.gid_map.empty()) fail("an idmapped mount needs uidMappings and gidMappings, or a user namespace");
      owners.push_back(idmapped_tree(step));
      step.source_fd = owners.back().get();
    });
  }
  return owners;
}

}  // namespace agentsafe::mount
