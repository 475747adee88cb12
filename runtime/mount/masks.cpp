#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>

#include "runtime/base/error.h"
#include "runtime/mount/in_root.h"
#include "runtime/mount/rootfs.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/mount.h"

namespace agentsafe::mount {

void Rootfs::make_readonly(const std::string& path) {
  const UniqueFd target = try_open_in_root(root_, path);
  if (!target) return;  // config-linux.md#readonly-paths: what the image does not have needs no protection
  const UniqueFd tree = sys::clone_tree(target, "", true);
  sys::mount_setattr(tree, {.set = MOUNT_ATTR_RDONLY}, true);
  sys::move_mount(tree, target);
  record(tree, path, "", true, true);
}

// A file becomes the null device (of the host, verified: CVE-2025-31133), a directory an empty read-only tmpfs, one for
// all of them (thousands of masks would otherwise be thousands of superblocks).
void Rootfs::mask(const std::string& path) {
  const UniqueFd target = try_open_in_root(root_, path);
  if (!target) return;
  if (!S_ISDIR(sys::fstat(target).st_mode)) {
    const UniqueFd tree = sys::clone_tree(null_tree_, "", false);
    sys::move_mount(tree, target);
    return record(tree, path, "", false, false);
  }
  if (!empty_tree_) {
    const UniqueFd context = sys::fsopen("tmpfs");
    sys::fsconfig_string(context, "nr_blocks", "1");
    sys::fsconfig_string(context, "nr_inodes", "2");
    if (!plan_.label.empty()) sys::fsconfig_string(context, "context", plan_.label);
    sys::fsconfig_create(context);
    empty_tree_ = sys::fsmount(context, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
  }
  const UniqueFd tree = sys::clone_tree(empty_tree_, "", false);
  sys::move_mount(tree, target);
  record(tree, path, "tmpfs", true, false);
}

}  // namespace agentsafe::mount
