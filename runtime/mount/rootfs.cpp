#include "runtime/mount/rootfs.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/mount/in_root.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/mount.h"

namespace agentsafe::mount {
namespace {

void set_propagation(FdRef tree, std::uint64_t flags) {
  sys::mount_setattr(tree, {.propagation = flags & ~std::uint64_t{MS_REC}}, (flags & MS_REC) != 0);
}

// pivot_root(2) refuses a root whose parent mount is shared: the mount that holds `path` becomes private.
void make_parent_private(std::string path) {
  for (;;) {
    try {
      return sys::mount_setattr(sys::at_cwd, path, {.propagation = MS_PRIVATE}, false);
    } catch (const Error& error) {
      if (error.error_number() != EINVAL || path == "/") throw;  // EINVAL: not a mount point, try the folder above
    }
    const auto slash = path.rfind('/');
    path = slash == 0 ? "/" : path.substr(0, slash);
  }
}

bool is_pseudo(const std::string& type) { return type == "proc" || type == "sysfs"; }

}  // namespace

void Rootfs::bind_root() {
  in_context("make the mounts of the host " + std::string((plan_.propagation & MS_SHARED) != 0 ? "shared" : "not flow back"),
             [&] { sys::mount_setattr(sys::at_cwd, "/", {.propagation = plan_.propagation & ~std::uint64_t{MS_REC}}, true); });
  in_context("bind the root file system " + plan_.path, [&] {
    if ((plan_.propagation & MS_SHARED) != 0) make_parent_private(plan_.path);
    const UniqueFd source = sys::maybe_openat(sys::at_cwd, plan_.path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
    if (!source) fail_users_file("open");
    root_ = sys::clone_tree(source, "", true);
    sys::move_mount(root_, source);
  });
}

void Rootfs::populate() {
  bind_root();
  for (const auto& step : plan_.mounts)
    in_context("mount " + step.destination + (step.source.empty() ? "" : " from " + step.source), [&] { mount(step); });
  if (plan_.sets_up_dev) in_context("set up /dev", [&] { make_devices(), make_links(); });
  if (!plan_.masked_paths.empty()) {
    null_tree_ = sys::clone_tree(sys::at_cwd, "/dev/null", false);
    const auto info = sys::fstat(null_tree_);
    if (!S_ISCHR(info.st_mode) || info.st_rdev != makedev(1, 3)) fail("mask paths: the host's /dev/null is not the null device");
  }
}

void Rootfs::mount(const MountStep& step) {
  switch (step.kind) {
    case StepKind::filesystem: return mount_filesystem(step);
    case StepKind::bind: return mount_bind(step);
    case StepKind::cgroup: return mount_cgroups(step);
    case StepKind::remount: return remount(step);
  }
}

UniqueFd Rootfs::make_filesystem(const MountStep& step, FdRef target) const {
  const UniqueFd context = sys::fsopen(step.type);
  if (!step.source.empty()) sys::fsconfig_string(context, "source", step.source);
  const bool has_mode = std::any_of(step.options.begin(), step.options.end(), [](const auto& o) { return o.first == "mode"; });
  if (step.type == "tmpfs" && !has_mode) {  // the mode of what it covers
    std::string digits;
    for (unsigned bits = sys::fstat(target).st_mode & 07777, i = 0; i < 4; ++i, bits <<= 3)
      digits += static_cast<char>('0' + ((bits >> 9) & 7));
    sys::fsconfig_string(context, "mode", digits);
  }
  for (const auto& [key, value] : step.options) {
    if (value.empty()) {
      sys::fsconfig_flag(context, key);
    } else {
      sys::fsconfig_string(context, key, value);
    }
  }
  sys::fsconfig_create(context);
  return sys::fsmount(context, step.attributes.set);
}

void Rootfs::mount_filesystem(const MountStep& step) {
  if (is_pseudo(step.type)) {  // CVE-2019-19921: a link in place of /proc would send it elsewhere
    const UniqueFd place = sys::maybe_openat(root_, step.destination.substr(1), O_PATH | O_NOFOLLOW);
    if (place && !S_ISDIR(sys::fstat(place).st_mode)) fail(step.type + " must be mounted on ordinary directory");
  }
  const UniqueFd target = make_target(root_, step.destination, TargetKind::directory);
  UniqueFd tree;
  try {
    tree = make_filesystem(step, target);
  } catch (const Error& error) {
    // A user namespace that does not own the network namespace may not mount sysfs: the host's, with the same attributes.
    if (error.error_number() != EPERM || step.type != "sysfs") throw;
    tree = sys::clone_tree(sys::at_cwd, "/sys", true);
    sys::mount_setattr(tree, {.set = step.attributes.set}, true);
  }
  if (step.copy_up) {
    const UniqueFd from = sys::openat(target, ".", O_RDONLY | O_DIRECTORY);
    copy_directory(from, sys::openat(tree, ".", O_RDONLY | O_DIRECTORY));
  }
  attach(tree, target, step, step.type);
}

bool Rootfs::copy_link(const MountStep& step) {
  const auto info = sys::try_fstatat(sys::at_cwd, step.source);
  if (!info || !S_ISLNK(info->st_mode)) return false;
  const std::string link = sys::readlinkat(sys::at_cwd, step.source);
  std::string name;
  const UniqueFd parent = make_parent(root_, step.destination, name);
  const auto present = sys::try_readlinkat(parent, name);
  if (!present) {
    sys::symlinkat(link, parent, name);
  } else if (*present != link) {
    fail("a link to \"" + text::escaped(*present) + "\" is there already");
  }
  return true;
}

void Rootfs::mount_bind(const MountStep& step) {
  if (step.copy_symlink && copy_link(step)) return;
  UniqueFd tree;
  if (step.source_fd >= 0) {
    tree = UniqueFd(step.source_fd);
    sys::set_cloexec(tree, true);
  } else {
    const UniqueFd source = sys::maybe_openat(sys::at_cwd, step.source, O_PATH | (step.source_nofollow ? O_NOFOLLOW : 0));
    if (!source) fail_users_file("open " + step.source);
    tree = sys::clone_tree(source, "", step.recursive);
  }
  if (step.destination == "/proc" && sys::fstatfs(tree).f_type != PROC_SUPER_MAGIC)
    fail("it cannot be mounted because it is inside /proc");  // CVE-2019-16884: only a real procfs may stand there
  const bool is_directory = S_ISDIR(sys::fstat(tree).st_mode);
  if (step.destination_nofollow) {
    const auto there = sys::try_fstatat(root_, step.destination.substr(1));
    if (there && S_ISLNK(there->st_mode)) fail("the destination is a link, and dest-nofollow was asked for");
  }
  const UniqueFd target = make_target(root_, step.destination, is_directory ? TargetKind::directory : TargetKind::file);
  if (!step.attributes.empty())
    sys::mount_setattr(tree, {.set = step.attributes.set, .clear = step.attributes.clear}, false);
  attach(tree, target, step, "");
}

void Rootfs::remount(const MountStep& step) {
  const UniqueFd target = open_in_root(root_, step.destination);
  if (!step.attributes.empty())
    sys::mount_setattr(target, {.set = step.attributes.set, .clear = step.attributes.clear}, false);
  for (const auto flags : step.propagation) set_propagation(target, flags);
}

void Rootfs::mount_cgroups(const MountStep& step) {
  const UniqueFd target = make_target(root_, step.destination, TargetKind::directory);
  const bool single = plan_.cgroups.size() == 1 && plan_.cgroups[0].name.empty();
  const sys::MountAttributes attributes{.set = step.attributes.set | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC};
  if (single) {
    const UniqueFd tree = sys::clone_tree(sys::at_cwd, plan_.cgroups[0].directory, false);
    sys::mount_setattr(tree, attributes, false);
    return attach(tree, target, step, "cgroup2");
  }
  MountStep tmpfs;
  tmpfs.type = "tmpfs";
  tmpfs.options = {{"mode", "755"}, {"size", "1m"}};
  if (!plan_.label.empty()) tmpfs.options.emplace_back("context", plan_.label);
  tmpfs.attributes.set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  const UniqueFd tree = make_filesystem(tmpfs, target);
  sys::move_mount(tree, target);
  for (const auto& hierarchy : plan_.cgroups) {
    const UniqueFd place = make_target(tree, hierarchy.name, TargetKind::directory);
    const UniqueFd cgroup = sys::clone_tree(sys::at_cwd, hierarchy.directory, false);
    sys::mount_setattr(cgroup, attributes, false);
    sys::move_mount(cgroup, place);
    record(cgroup, step.destination + "/" + hierarchy.name, "", (attributes.set & MOUNT_ATTR_RDONLY) != 0, false);
    for (const auto& link : hierarchy.links) sys::symlinkat(hierarchy.name, tree, link);
  }
  if ((step.attributes.set & MOUNT_ATTR_RDONLY) != 0) sys::mount_setattr(tree, {.set = MOUNT_ATTR_RDONLY}, false);
  record(tree, step.destination, "tmpfs", (step.attributes.set & MOUNT_ATTR_RDONLY) != 0, false);
}

void Rootfs::attach(FdRef tree, FdRef target, const MountStep& step, const std::string& type) {
  const auto& all = step.recursive_attributes;
  if (!all.empty()) sys::mount_setattr(tree, {.set = all.set, .clear = all.clear}, true);
  sys::move_mount(tree, target);
  for (const auto flags : step.propagation) set_propagation(tree, flags);
  record(tree, step.destination, type, ((step.attributes.set | all.set) & MOUNT_ATTR_RDONLY) != 0, step.recursive);
}

void Rootfs::enter() {
  const UniqueFd old_root = sys::openat(sys::at_cwd, "/", O_PATH | O_DIRECTORY);
  sys::fchdir(root_);
  if (plan_.no_pivot) {
    // The host's procfs and sysfs would stay reachable below the moved root: taken away first.
    for (const char* path : {"/proc", "/sys"})
      if (::umount2(path, MNT_DETACH) != 0 && errno != EINVAL && errno != ENOENT) fail_errno(std::string("hide the host's ") + path);
    sys::mount(".", "/", "", MS_MOVE, "");
    if (::chroot(".") != 0) fail_errno("chroot");
  } else {
    sys::pivot_root(".", ".");
    sys::fchdir(old_root);
    sys::mount_setattr(sys::at_cwd, ".", {.propagation = MS_SLAVE}, true);  // unmounting must not reach the host
    sys::umount(".", MNT_DETACH);
  }
  if (::chdir("/") != 0) fail_errno("chdir /");
  if (plan_.final_propagation != 0) set_propagation(root_, plan_.final_propagation);
}

void Rootfs::seal() {
  for (const auto& step : plan_.mounts)
    if (step.readonly_late)
      in_context("make " + step.destination + " read-only", [&] {
        sys::mount_setattr(open_in_root(root_, step.destination), {.set = MOUNT_ATTR_RDONLY}, false);
      });
  if (plan_.readonly)
    in_context("make the root file system read-only", [&] { sys::mount_setattr(root_, {.set = MOUNT_ATTR_RDONLY}, false); });
  for (const auto& path : plan_.readonly_paths)
    in_context("make " + path + " read-only", [&] { make_readonly(path); });
  for (const auto& path : plan_.masked_paths) in_context("mask " + path, [&] { mask(path); });
}

}  // namespace agentsafe::mount
