#include "runtime/mount/rootfs.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/mount/detached_mount.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/mount.h"

namespace agentsafe::mount {
namespace {

// A new mount must not flow back through a shared parent, and pivot_root(2) refuses one: the mount that holds `path`
// becomes private.
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

// proc_pid_mountinfo(5): space, tab, newline and backslash are written \NNN.
std::string unescaped(std::string_view point) {
  std::string plain;
  for (std::size_t i = 0; i < point.size(); ++i) {
    const auto code = point[i] == '\\' ? text::parse<unsigned char>(point.substr(i + 1, 3), 8) : std::nullopt;
    plain += code ? static_cast<char>(*code) : point[i];
    if (code) i += 3;
  }
  return plain;
}

// The mount points of procfs and sysfs that are not below `root`, the deepest first.
std::vector<std::string> revealing_mounts(std::string_view mountinfo, const std::string& root) {
  std::vector<std::string> points;
  for (const auto& line : parse_mount_table(mountinfo)) {
    std::string point = unescaped(line.point);
    const bool is_ours = point.starts_with(root + "/");
    if ((line.type == "proc" || line.type == "sysfs") && !is_ours) points.push_back(std::move(point));
  }
  std::reverse(points.begin(), points.end());
  return points;
}

// It may be locked in a user namespace: then an empty file system covers it.
void hide(const std::string& point) {
  const auto slash = point.rfind('/');
  make_parent_private(slash == 0 ? "/" : point.substr(0, slash));  // unmounting must not reach the host
  if (::umount2(point.c_str(), MNT_DETACH) == 0) return;
  if (errno != EINVAL && errno != EPERM) fail_errno("hide the host's " + point);
  sys::mount("tmpfs", point, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=0k");
}

UniqueFd scratch_in_memory(std::uint64_t size) {
  MountStep memory;
  memory.type = "tmpfs";
  memory.options = {{"size", std::to_string(size)}, {"nr_inodes", std::to_string(scratch_inodes)}};
  memory.attributes.set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  return make_filesystem(memory, 0700);
}

}  // namespace

void Rootfs::bind_root() {
  const bool shared = plan_.propagation == MS_SHARED && !plan_.hosts_mounts;
  if (!plan_.hosts_mounts)
    in_context("set the propagation of the host's mounts",
               [&] { sys::mount_setattr(sys::at_cwd, "/", {.propagation = plan_.propagation}, true); });
  in_context("bind the root file system " + plan_.path, [&] {
    if (shared) make_parent_private(plan_.path);
    const UniqueFd source = sys::maybe_openat(sys::at_cwd, plan_.path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
    if (!source) fail_errno("open it as a directory");
    if (plan_.scratch_size != 0) return overlay_root(source);
    root_ = sys::clone_tree(source, "", true);
    show_own_ids(root_);
    if (shared || plan_.attributes != 0)
      sys::mount_setattr(root_, {.set = plan_.attributes, .propagation = shared ? std::uint64_t{MS_PRIVATE} : 0}, true);
    sys::move_mount(root_, source);
    // below a shared mount it has become one: what is mounted in it stays in it
    if (plan_.hosts_mounts) sys::mount_setattr(root_, {.propagation = MS_PRIVATE}, true);
    root_info_ = sys::fstat(root_);
    record(root_, "/", "", plan_.attributes, true);
  });
}

// Needs a file system that can be idmapped (surroundings.h of policy/ asks before).
void Rootfs::show_own_ids(FdRef tree) const {
  if (plan_.idmap_fd < 0) return;
  try {
    sys::mount_setattr(tree, {.set = MOUNT_ATTR_IDMAP, .userns_fd = plan_.idmap_fd}, false);
  } catch (const Error& error) {
    if (error.error_number() != EINVAL) throw;
    throw Error("its file system cannot be idmapped on this host: take a policy with process.userns \"off\"", EINVAL);
  }
}

// The layers are named relative to the scratch file system, which is attached over the root for that long: so no
// character of a path is read as the overlay's syntax, and older kernels, which take no detached layers, do too. The
// overlay keeps clones of its layers, out of everybody's reach. Needs Linux 5.11 in a user namespace.
void Rootfs::overlay_root(FdRef source) {
  const UniqueFd lower = sys::clone_tree(source, "", false);
  show_own_ids(lower);
  const auto info = sys::fstat(lower);
  UniqueFd memory;
  if (plan_.scratch_fd < 0) memory = scratch_in_memory(plan_.scratch_size);
  const FdRef scratch = memory ? FdRef(memory) : FdRef(plan_.scratch_fd);
  sys::move_mount(scratch, source);
  sys::mkdirat(scratch, "lower", 0700);
  sys::mkdirat(scratch, "upper", info.st_mode & 07777);
  sys::fchownat(scratch, "upper", info.st_uid, info.st_gid);
  sys::mkdirat(scratch, "work", 0700);
  sys::move_mount(lower, sys::openat(scratch, "lower", O_PATH | O_DIRECTORY | O_NOFOLLOW));
  sys::fchdir(scratch);
  const UniqueFd context = sys::fsopen("overlay");
  for (const char* layer : {"lower", "upper", "work"}) sys::fsconfig_string(context, std::string(layer) + "dir", layer);
  sys::fsconfig_create(context);
  root_ = sys::fsmount(context, plan_.attributes);
  sys::umount(".", MNT_DETACH);
  if (::chdir("/") != 0) fail_errno("chdir /");
  sys::move_mount(root_, source);
  root_info_ = sys::fstat(root_);
  record(root_, "/", "overlay", plan_.attributes, true);
}

// CVE-2025-31133: files are masked with the host's null device, which no image can exchange. Read-only, so that the
// mode of the host's node cannot be changed through a mask (writing to a device is not affected).
void Rootfs::clone_null_device() {
  null_tree_ = sys::clone_tree(sys::at_cwd, "/dev/null", false);
  const auto info = sys::fstat(null_tree_);
  if (!S_ISCHR(info.st_mode) || info.st_rdev != makedev(1, 3)) fail("the host's /dev/null is not the null device");
  sys::mount_setattr(
      null_tree_, {.set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, .propagation = MS_PRIVATE}, false);
}

void Rootfs::populate() {
  const sys::NoUmask exact_modes;
  bind_root();
  for (const auto& step : plan_.mounts)
    in_context(failure_of(step), [&] { mount(step); });
  if (plan_.sets_up_dev) in_context("set up /dev", [&] { make_devices(), make_links(); });
  if (!plan_.masked_paths.empty()) in_context("mask paths", [&] { clone_null_device(); });
}

// pivot_root(2): with both arguments "." the old root is stacked on the new one, and is what "." unmounts.
void Rootfs::pivot() {
  if (plan_.propagation != MS_SHARED) {
    sys::pivot_root(".", ".");
    return sys::umount(".", MNT_DETACH);
  }
  const UniqueFd old_root = sys::openat(sys::at_cwd, "/", O_PATH | O_DIRECTORY);
  sys::pivot_root(".", ".");
  sys::mount_setattr(old_root, {.propagation = MS_SLAVE}, true);  // unmounting must not reach the host
  sys::fchdir(old_root);
  sys::umount(".", MNT_DETACH);
}

// --no-pivot: the host's root stays below ours. Its procfs and sysfs are taken away, since with one of them fully
// visible a user namespace may mount new ones without our masks.
void Rootfs::move_and_chroot() {
  const std::string table = sys::read_file(sys::at_cwd, "/proc/self/mountinfo");
  const std::string root = sys::readlinkat(sys::at_cwd, sys::proc_path(root_));
  for (const auto& point : revealing_mounts(table, root)) hide(point);
  sys::mount(".", "/", "", MS_MOVE, "");
  if (::chroot(".") != 0) fail_errno("chroot");
}

void Rootfs::enter() {
  sys::fchdir(root_);
  if (plan_.hosts_mounts) {
    if (::chroot(".") != 0) fail_errno("chroot");
  } else if (plan_.no_pivot) {
    move_and_chroot();
  } else {
    pivot();
  }
  if (::chdir("/") != 0) fail_errno("chdir /");
  if (plan_.final_propagation != 0) sys::mount_setattr(root_, {.propagation = plan_.final_propagation}, false);
}

void Rootfs::seal() {
  in_context("make mounts read-only", [&] {
    for (const auto& tree : late_) sys::mount_setattr(tree, {.set = MOUNT_ATTR_RDONLY}, false);
    if (plan_.readonly) sys::mount_setattr(root_, {.set = MOUNT_ATTR_RDONLY}, false);
  });
  if (plan_.readonly) attached_.front().flags |= MOUNT_ATTR_RDONLY;
  late_.clear();
  for (const auto& path : plan_.readonly_paths)
    in_context("make " + text::escaped(path) + " read-only", [&] { make_readonly(path); });
  for (const auto& path : plan_.masked_paths) in_context("mask " + text::escaped(path), [&] { mask(path); });
}

void Rootfs::record(FdRef tree, const std::string& destination, const std::string& type, std::uint64_t flags,
                    bool recursive) {
  attached_.push_back({sys::mount_id(tree), destination, type, flags, recursive});
}

void Rootfs::verify(FdRef proc) const { check_mounts(sys::read_file(proc, "self/mountinfo"), attached_); }

}  // namespace agentsafe::mount
