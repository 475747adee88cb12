// The steps of the plan: file systems, binds, changes of what is mounted.
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <cerrno>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/mount/copy_up.h"
#include "runtime/mount/detached_mount.h"
#include "runtime/mount/rootfs.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/mount.h"

namespace agentsafe::mount {
namespace {

constexpr const char* over_proc = "it cannot be mounted because it is inside /proc";

bool is_on_proc(FdRef fd) { return sys::fstatfs(fd).f_type == PROC_SUPER_MAGIC; }

// The instance of message queues has no context= option.
void label_queues(FdRef tree, const std::string& label) {
  const UniqueFd root = sys::openat(tree, ".", O_RDONLY | O_DIRECTORY);
  if (::fsetxattr(root.get(), "security.selinux", label.c_str(), label.size(), 0) != 0) fail_errno("label it " + label);
}

}  // namespace

void Rootfs::mount(const MountStep& step) {
  switch (step.kind) {
    case StepKind::filesystem: return mount_filesystem(step);
    case StepKind::bind: return mount_bind(step);
    case StepKind::cgroup: return mount_cgroup(step);
    case StepKind::remount:
    case StepKind::propagation: return remount(step);
  }
}

Target Rootfs::place_for(const MountStep& step, TargetKind kind) {
  Target target = step.destination_nofollow ? make_target_nofollow(root_, step.destination, kind)
                                            : make_target(root_, step.destination, kind);
  const bool same_device = target.info.st_dev == root_info_.st_dev;
  if (same_device && target.info.st_ino == root_info_.st_ino) fail("it leads to the container's root");
  // CVE-2019-16884: also when a link of the image leads there
  const bool may_cover = step.covers_proc_file || step.destination == "/proc";
  if (!may_cover && !same_device && target.info.st_dev != no_proc_) {
    if (is_on_proc(target.fd)) fail(over_proc);
    no_proc_ = target.info.st_dev;  // the next target is likely there too
  }
  return target;
}

void Rootfs::mount_filesystem(const MountStep& step) {
  const bool is_plain = step.type == "proc" || step.type == "sysfs";
  const Target target =
      is_plain ? make_plain_directory(root_, step.destination) : place_for(step, TargetKind::directory);
  if (step.old_api) return mount_by_old_api(step, target);
  const std::optional<mode_t> mode = target.made ? std::nullopt : std::optional<mode_t>(target.info.st_mode & 07777);
  UniqueFd tree;
  try {
    tree = make_filesystem(step, mode);
  } catch (const Error& error) {
    if (error.error_number() != EPERM || step.fallback_source.empty()) throw;
    // A user namespace that does not own the namespace it shows may not mount it: the host's, with the same attributes.
    tree = sys::clone_tree(sys::at_cwd, step.fallback_source, true);
    sys::mount_setattr(tree, {.set = step.attributes.set, .propagation = MS_PRIVATE}, true);
    set_attributes(tree, step);
    sys::move_mount(tree, target.fd);
    return record(tree, step.destination, step.type, step.attributes.set, true);
  }
  if (step.type == "mqueue" && !plan_.label.empty()) label_queues(tree, plan_.label);
  if (step.copy_up && !target.made)
    copy_directory(sys::openat(target.fd, ".", O_RDONLY | O_DIRECTORY), sys::openat(tree, ".", O_RDONLY | O_DIRECTORY));
  attach(std::move(tree), target.fd, step, step.type);
}

// mount(2) takes a path: "." is the target without walking one.
void Rootfs::mount_by_old_api(const MountStep& step, const Target& target) {
  const UniqueFd before = sys::openat(sys::at_cwd, ".", O_PATH | O_DIRECTORY);
  sys::fchdir(target.fd);
  sys::mount(step.source, ".", step.type, old_flags(step), old_data(step));
  sys::fchdir(before);
  const UniqueFd tree = open_in_root(root_, step.destination);
  sys::mount_setattr(tree, {.set = step.attributes.set, .clear = step.attributes.clear}, false);
  set_attributes(tree, step);
  record(tree, step.destination, "", step.attributes.set, false);
  if (step.readonly_late) late_.push_back(sys::duplicate(tree));
}

// copy-symlink: a link as source is made anew instead of mounted. False when the source is no link.
bool Rootfs::copy_link(const MountStep& step) {
  const auto info = sys::try_fstatat(sys::at_cwd, step.source);
  if (!info || !S_ISLNK(info->st_mode)) return false;
  const std::string link = sys::readlinkat(sys::at_cwd, step.source);
  std::string name;
  const UniqueFd parent = make_parent(root_, step.destination, name);
  if (::symlinkat(link.c_str(), parent.get(), name.c_str()) == 0) return true;
  if (errno != EEXIST) fail_errno("make the link");
  if (sys::try_readlinkat(parent, name) != link)
    fail("something else than a link to \"" + text::escaped(link) + "\" is there");
  return true;
}

void Rootfs::mount_bind(const MountStep& step) {
  if (step.copy_symlink && copy_link(step)) return;
  UniqueFd tree;
  if (step.source_fd >= 0) {
    tree = UniqueFd(step.source_fd);  // complete: the parent has set its attributes
    sys::set_cloexec(tree, true);
  } else {
    tree = clone_source(step);
    const auto mode = plan_.idmap_fd >= 0 && !step.keeps_ids ? sys::fstat(tree).st_mode : 0;
    if (S_ISDIR(mode) || S_ISREG(mode)) show_own_ids(tree);  // devices and sockets are opened by their modes alone
    set_attributes(tree, step);
  }
  const auto info = sys::fstat(tree);
  if (step.destination == "/proc" && (!is_on_proc(tree) || info.st_ino != 1)) fail(over_proc);  // PROC_ROOT_INO
  const Target target = place_for(step, S_ISDIR(info.st_mode) ? TargetKind::directory : TargetKind::file);
  sys::move_mount(tree, target.fd);
  record(tree, step.destination, "", step.attributes.set | step.recursive_attributes.set, step.recursive);
}

// The options that are named; flags that are not stay as they are.
void Rootfs::remount(const MountStep& step) {
  const UniqueFd target = open_in_root(root_, step.destination);
  if (!step.options.empty() || !step.superblock_flags.empty()) {
    const UniqueFd context = sys::fspick(target);
    for (const auto& flag : step.superblock_flags) sys::fsconfig_flag(context, flag);
    for (const auto& [key, value] : step.options) {
      if (value.empty()) {
        sys::fsconfig_flag(context, key);
      } else {
        sys::fsconfig_string(context, key, value);
      }
    }
    sys::fsconfig_reconfigure(context);
  }
  if (!step.attributes.empty())
    sys::mount_setattr(target, {.set = step.attributes.set, .clear = step.attributes.clear}, false);
  set_attributes(target, step);
}

void Rootfs::attach(UniqueFd tree, FdRef target, const MountStep& step, const std::string& type) {
  set_attributes(tree, step);
  sys::move_mount(tree, target);
  const auto flags = step.attributes.set | step.recursive_attributes.set;
  record(tree, step.destination, type, step.readonly_late ? flags | MOUNT_ATTR_RDONLY : flags, step.recursive);
  const bool is_whole_proc = step.type == "proc" && step.destination == "/proc" && step.options.empty();
  if (step.readonly_late) return late_.push_back(std::move(tree));
  if (is_whole_proc && (flags & MOUNT_ATTR_RDONLY) == 0) proc_ = std::move(tree);
}

}  // namespace agentsafe::mount
