#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "runtime/base/error.h"
#include "runtime/mount/in_root.h"
#include "runtime/mount/rootfs.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/mount.h"

namespace agentsafe::mount {
namespace {

struct Link {
  const char* target;
  const char* name;
};
constexpr Link dev_links[] = {  // runtime-linux.md#dev-symbolic-links
    {"/proc/self/fd", "fd"}, {"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"}, {"/proc/self/fd/2", "stderr"},
};

void check_device(FdRef node, const DeviceStep& device) {
  const auto info = sys::fstat(node);
  const bool same = (info.st_mode & S_IFMT) == device.type && (device.type == S_IFIFO || info.st_rdev == device.device);
  if (!same) fail("another file is there already");
}

}  // namespace

void Rootfs::make_device(FdRef parent, const std::string& name, const DeviceStep& device) {
  const bool made = ::mknodat(parent.get(), name.c_str(), device.type | device.mode, device.device) == 0;
  if (!made && errno != EEXIST) fail_errno("mknod");
  const UniqueFd node = sys::openat(parent, name, O_PATH | O_NOFOLLOW);
  check_device(node, device);
  if (device.uid != 0 || device.gid != 0 || !made) sys::fchown(node, device.uid, device.gid);
  if (!made) sys::fchmod(node, device.mode);
}

// mknod(2) is refused in a user namespace: the host's node of the same path, whose number is compared.
void Rootfs::bind_device(FdRef parent, const std::string& name, const DeviceStep& device) {
  const UniqueFd source = sys::openat(sys::at_cwd, device.path, O_PATH | O_NOFOLLOW);
  check_device(source, device);
  const UniqueFd made = sys::maybe_openat(parent, name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0666);
  if (!made && errno != EEXIST) fail_errno("make the file to mount on");
  const UniqueFd target = sys::openat(parent, name, O_PATH | O_NOFOLLOW);
  if (S_ISLNK(sys::fstat(target).st_mode)) fail("a link is there already");
  sys::move_mount(sys::clone_tree(source, "", false), target);
}

void Rootfs::make_devices() {
  // CVE-2026-41579: /dev is opened once inside the root, and nothing below it is reached by a longer path
  const UniqueFd dev = make_target(root_, "/dev", TargetKind::directory);
  for (const auto& device : plan_.devices) {
    in_context("make " + device.path, [&] {
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
  const auto link = [&](const char* target, const char* name) {
    if (::symlinkat(target, dev.get(), name) != 0 && errno != EEXIST)
      fail_errno(std::string("link /dev/") + name);
  };
  for (const auto& row : dev_links) link(row.target, row.name);
  if (sys::try_fstatat(sys::at_cwd, "/proc/kcore")) link("/proc/kcore", "core");
  // /dev/ptmx must be the container's own multiplexer, whatever the image brought
  if (sys::try_readlinkat(dev, "ptmx") == "pts/ptmx") return;
  const auto there = sys::try_fstatat(dev, "ptmx");
  if (there && !S_ISDIR(there->st_mode)) sys::unlinkat(dev, "ptmx");
  link("pts/ptmx", "ptmx");
}

}  // namespace agentsafe::mount
