// Mounts of type cgroup. Source: config-linux.md#default-filesystems, cgroups(7), cgroup_namespaces(7).
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/mount.h>

#include <cerrno>

#include "runtime/base/error.h"
#include "runtime/mount/detached_mount.h"
#include "runtime/mount/rootfs.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/mount.h"

namespace agentsafe::mount {
namespace {

constexpr std::uint64_t always = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

// A step that binds `directory` with the attributes of the cgroup mount.
MountStep bind_of(const MountStep& step, const std::string& directory) {
  MountStep bind;
  bind.kind = StepKind::bind;
  bind.source = directory;
  bind.attributes.set = step.attributes.set | step.recursive_attributes.set | always;
  bind.propagation = {MS_PRIVATE};
  return bind;
}

UniqueFd bound(const MountStep& bind) {
  UniqueFd tree = clone_source(bind);
  set_attributes(tree, bind);
  return tree;
}

// Refused: no cgroup namespace of the user namespace's own, or the hierarchy is mounted with other options.
UniqueFd try_make_fresh(const MountStep& step) {
  MountStep fresh = step;
  fresh.type = "cgroup2";
  fresh.attributes.set |= step.recursive_attributes.set | always;
  try {
    return make_filesystem(fresh, {});
  } catch (const Error& error) {
    if (error.error_number() != EPERM && error.error_number() != EBUSY) throw;
    return {};
  }
}

}  // namespace

void Rootfs::mount_cgroup(const MountStep& step) {
  if (plan_.cgroup_view == CgroupView::split) return mount_cgroup_hierarchies(step);
  const Target target = place_for(step, TargetKind::directory);
  const std::uint64_t flags = step.attributes.set | always;
  UniqueFd tree = plan_.cgroup_view == CgroupView::fresh ? try_make_fresh(step) : UniqueFd();
  // a user without privileges may have been refused a cgroup: there is none to show then
  if (!tree && !plan_.cgroups.empty() && sys::try_fstatat(sys::at_cwd, plan_.cgroups.front().directory))
    tree = bound(bind_of(step, plan_.cgroups.front().directory));
  if (tree) {
    for (const auto propagation : step.propagation)
      sys::mount_setattr(tree, {.propagation = propagation & ~std::uint64_t{MS_REC}}, false);
    sys::move_mount(tree, target.fd);
    return record(tree, step.destination, "cgroup2", flags, false);
  }
  // CVE-2023-25809: without a cgroup of its own the container sees the host's, and must not be able to write there
  MountStep host = bind_of(step, "/sys/fs/cgroup");
  host.recursive = true;
  host.propagation = {MS_PRIVATE | MS_REC};
  host.recursive_attributes.set = MOUNT_ATTR_RDONLY;
  tree = bound(host);
  sys::move_mount(tree, target.fd);
  record(tree, step.destination, "", flags | MOUNT_ATTR_RDONLY, true);
}

// Version 1: what a cgroup namespace would show of each hierarchy is the container's directory in it.
void Rootfs::mount_cgroup_hierarchies(const MountStep& step) {
  const Target target = place_for(step, TargetKind::directory);
  const bool readonly = ((step.attributes.set | step.recursive_attributes.set) & MOUNT_ATTR_RDONLY) != 0;
  MountStep base;
  base.type = "tmpfs";
  base.source = "tmpfs";
  base.options = step.options;
  base.options.emplace_back("mode", "755");
  if (!plan_.label.empty()) base.options.emplace_back("context", plan_.label);
  base.attributes.set = always;
  base.propagation = step.propagation;
  const UniqueFd tree = make_filesystem(base, {});
  set_attributes(tree, base);
  sys::move_mount(tree, target.fd);
  for (const auto& hierarchy : plan_.cgroups) {
    in_context(hierarchy.name, [&] {
      sys::mkdirat(tree, hierarchy.name, 0755);
      // a user without privileges may make no cgroup there: the container has none of its own to see
      if (!sys::try_fstatat(sys::at_cwd, hierarchy.directory)) return;
      const UniqueFd place = sys::openat(tree, hierarchy.name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
      const MountStep bind = bind_of(step, hierarchy.directory);
      const UniqueFd cgroup = bound(bind);
      sys::move_mount(cgroup, place);
      record(cgroup, step.destination + "/" + hierarchy.name, "", bind.attributes.set, false);
      for (const auto& link : hierarchy.links) sys::symlinkat(hierarchy.name, tree, link);
    });
  }
  if (readonly) sys::mount_setattr(tree, {.set = MOUNT_ATTR_RDONLY}, false);
  record(tree, step.destination, "tmpfs", always | (readonly ? MOUNT_ATTR_RDONLY : 0U), false);
}

}  // namespace agentsafe::mount
