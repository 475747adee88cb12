// linux.readonlyPaths and linux.maskedPaths. Source: config-linux.md#masked-paths, #readonly-paths.
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "runtime/base/error.h"
#include "runtime/mount/rootfs.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/mount.h"

namespace agentsafe::mount {
namespace {

UniqueFd make_empty_tree(const std::string& label) {
  const UniqueFd context = sys::fsopen("tmpfs");
  sys::fsconfig_string(context, "nr_blocks", "1");
  sys::fsconfig_string(context, "nr_inodes", "2");
  sys::fsconfig_string(context, "mode", "755");
  if (!label.empty()) sys::fsconfig_string(context, "context", label);
  sys::fsconfig_create(context);
  return sys::fsmount(context, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

}  // namespace

// What is missing needs no protection; anything but ENOENT and ENOTDIR of the path itself is an error.
void Rootfs::make_readonly(const std::string& path) {
  const UniqueFd target = try_open_in_root(root_, path);
  if (!target) return;
  const UniqueFd tree = sys::clone_tree(target, "", true);
  sys::mount_setattr(tree, {.set = MOUNT_ATTR_RDONLY, .propagation = MS_PRIVATE}, true);
  sys::move_mount(tree, target);
  record(tree, path, "", MOUNT_ATTR_RDONLY, true);
}

// A file becomes the null device, a directory an empty read-only tmpfs, one for all of them: thousands of masks would
// otherwise be thousands of superblocks.
void Rootfs::mask(const std::string& path) {
  const UniqueFd target = try_open_in_root(root_, path);
  if (!target) return;
  if (!S_ISDIR(sys::fstat(target).st_mode)) return cover(null_tree_, null_is_attached_, target, path, "");
  if (!empty_tree_) empty_tree_ = make_empty_tree(plan_.label);
  cover(empty_tree_, empty_is_attached_, target, path, "tmpfs");
}

// The tree itself goes onto the first target, copies of it onto the others: detached trees can be copied only since
// Linux 6.15.
void Rootfs::cover(const UniqueFd& shared, bool& is_attached, FdRef target, const std::string& path,
                   const std::string& type) {
  const UniqueFd copy = is_attached ? sys::clone_tree(shared, "", false) : UniqueFd();
  const FdRef tree = is_attached ? FdRef(copy) : FdRef(shared);
  sys::move_mount(tree, target);
  is_attached = true;
  record(tree, path, type, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, false);
}

}  // namespace agentsafe::mount
