// The nodes and links of /dev. Source: config-linux.md#devices, #default-devices, runtime-linux.md#dev-symbolic-links.
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>
#include <optional>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/mount/rootfs.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/mount.h"

namespace agentsafe::mount {
namespace {

struct Link {
  const char* target;
  const char* name;
};
constexpr Link dev_links[] = {
    {"/proc/self/fd", "fd"},       {"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"},
    {"/proc/self/fd/2", "stderr"},
};

bool is_as_wanted(const std::optional<struct stat>& info, const DeviceStep& device) {
  return info && info->st_mode == (device.type | device.mode) && info->st_rdev == device.device &&
         info->st_uid == device.uid && info->st_gid == device.gid;
}

void check_device(const struct stat& info, const DeviceStep& device) {
  const bool same = (info.st_mode & S_IFMT) == device.type && (device.type == S_IFIFO || info.st_rdev == device.device);
  if (!same) fail("another file than this device is there");
}

void link(const char* target, FdRef dev, const char* name) {
  if (::symlinkat(target, dev.get(), name) != 0 && errno != EEXIST) fail_errno(std::string("link /dev/") + name);
}

}  // namespace

void Rootfs::make_device(FdRef parent, const std::string& name, const DeviceStep& device) {
  const bool made = ::mknodat(parent.get(), name.c_str(), device.type | device.mode, device.device) == 0;
  if (!made && errno == EPERM) return bind_device(parent, name, device);  // a device cgroup around us forbids mknod
  if (!made && errno != EEXIST) fail_errno("mknod");
  if (made && is_as_wanted(sys::try_fstatat(parent, name), device)) return;
  const UniqueFd node = sys::openat(parent, name, O_PATH | O_NOFOLLOW);
  const auto info = sys::fstat(node);
  check_device(info, device);
  if (info.st_uid != device.uid || info.st_gid != device.gid) sys::fchown(node, device.uid, device.gid);
  if ((info.st_mode & 07777) != device.mode) sys::fchmod(node, device.mode);
}

// mknod(2) is refused in a user namespace: the host's node of the same path, whose number is compared.
void Rootfs::bind_device(FdRef parent, const std::string& name, const DeviceStep& device) {
  if (device.type == S_IFIFO) fail_errno("make a fifo", EPERM);
  const UniqueFd source = sys::openat(sys::at_cwd, device.path, O_PATH | O_NOFOLLOW);
  in_context("the host's node", [&] { check_device(sys::fstat(source), device); });
  const UniqueFd made = sys::maybe_openat(parent, name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644);
  if (!made && errno != EEXIST) fail_errno("make the file to mount on");
  const UniqueFd target = sys::openat(parent, name, O_PATH | O_NOFOLLOW);
  if (S_ISLNK(sys::fstat(target).st_mode)) fail("a link is there already");
  const UniqueFd tree = sys::clone_tree(source, "", false);
  sys::mount_setattr(tree, {.set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, .propagation = MS_PRIVATE}, false);
  sys::move_mount(tree, target);
  record(tree, device.path, "", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, false);
}

void Rootfs::make_devices() {
  // CVE-2026-41579: /dev is opened once inside the root, and nothing below it is reached by a longer path
  const UniqueFd dev = make_target(root_, "/dev", TargetKind::directory).fd;
  for (const auto& device : plan_.devices) {
    in_context("make " + text::escaped(device.path), [&] {
      std::string name = device.path.substr(device.path.rfind('/') + 1);
      UniqueFd elsewhere;
      if (device.path != "/dev/" + name) elsewhere = make_parent(root_, device.path, name);
      const FdRef parent = elsewhere ? FdRef(elsewhere) : FdRef(dev);
      if (plan_.binds_devices && device.type != S_IFIFO) {
        bind_device(parent, name, device);
      } else {
        make_device(parent, name, device);
      }
    });
  }
}

void Rootfs::make_links() {
  const UniqueFd dev = open_in_root(root_, "/dev", O_DIRECTORY);
  for (const auto& row : dev_links) link(row.target, dev, row.name);
  if (::access("/proc/kcore", F_OK) == 0) link("/proc/kcore", dev, "core");  // kernels with CONFIG_PROC_KCORE
  // /dev/ptmx must be the container's own multiplexer, whatever the image brought
  if (::symlinkat("pts/ptmx", dev.get(), "ptmx") == 0) return;
  if (errno != EEXIST) fail_errno("link /dev/ptmx");
  if (sys::try_readlinkat(dev, "ptmx") == "pts/ptmx") return;
  sys::unlinkat(dev, "ptmx");
  sys::symlinkat("pts/ptmx", dev, "ptmx");
}

}  // namespace agentsafe::mount
