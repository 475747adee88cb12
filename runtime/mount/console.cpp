#include "runtime/mount/console.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>

#include "runtime/base/error.h"
#include "runtime/mount/in_root.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/mount.h"
#include "runtime/sys/terminal.h"

namespace agentsafe::mount {
namespace {

constexpr unsigned first_pty_major = 136;  // UNIX98_PTY_SLAVE_MAJOR … 143
constexpr unsigned last_pty_major = 143;

UniqueFd open_master(FdRef root) {
  const UniqueFd pts = open_in_root(root, "dev/pts", O_DIRECTORY);
  if (sys::fstatfs(pts).f_type != DEVPTS_SUPER_MAGIC) fail("/dev/pts is not a devpts file system");
  UniqueFd master = sys::openat(pts, "ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW);
  const bool is_multiplexer = sys::fstat(master).st_rdev == makedev(5, 2);
  if (!is_multiplexer || sys::fstatfs(master).f_type != DEVPTS_SUPER_MAGIC)
    fail("/dev/pts/ptmx is not the pseudo-terminal multiplexer");
  int unlock = 0;
  if (::ioctl(master.get(), TIOCSPTLCK, &unlock) != 0) fail_errno("unlock the terminal");
  return master;
}

UniqueFd open_peer(FdRef master) {
  UniqueFd peer = sys::open_pty_peer(master);
  if (sys::fstatfs(peer).f_type != DEVPTS_SUPER_MAGIC) fail("the terminal's peer is not on a devpts file system");
  const unsigned device_major = major(sys::fstat(peer).st_rdev);
  if (device_major < first_pty_major || device_major > last_pty_major)
    fail("the terminal's peer is no pseudo-terminal");
  return peer;
}

// Onto a file that is made when it is missing; a link in its place is refused, never followed.
void mount_dev_console(FdRef root, FdRef peer) {
  const sys::NoUmask exact_modes;
  const UniqueFd dev = open_in_root(root, "dev", O_DIRECTORY);
  const UniqueFd made = sys::maybe_openat(dev, "console", O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0666);
  if (!made && errno != EEXIST) fail_errno("make /dev/console");
  const UniqueFd target = sys::openat(dev, "console", O_PATH | O_NOFOLLOW);
  const auto mode = sys::fstat(target).st_mode;
  if (!S_ISREG(mode) && !S_ISCHR(mode)) fail("/dev/console is neither a file nor a device");
  const UniqueFd tree = sys::clone_tree(peer, "", false);
  sys::mount_setattr(tree, {.propagation = MS_PRIVATE}, false);
  sys::move_mount(tree, target);
}

}  // namespace

Console open_console(const ConsoleSize& size, std::uint32_t uid, bool makes_dev_console) {
  const UniqueFd root = sys::openat(sys::at_cwd, "/", O_PATH | O_DIRECTORY);
  Console console{open_master(root)};
  const UniqueFd peer = open_peer(console.master);
  if (size.height != 0 || size.width != 0) sys::set_window_size(console.master, {size.height, size.width, 0, 0});
  if (makes_dev_console) mount_dev_console(root, peer);
  sys::fchown(peer, uid, static_cast<gid_t>(-1));
  for (int fd = 0; fd < 3; ++fd) sys::dup3_onto(peer, fd);
  if (::ioctl(0, TIOCSCTTY, 0) != 0) fail_errno("make the terminal controlling");
  return console;
}

void reopen_null_stdio() {
  const dev_t null_device = makedev(1, 3);
  UniqueFd null;
  for (int fd = 0; fd < 3; ++fd) {
    struct stat info {};
    if (::fstat(fd, &info) != 0 || !S_ISCHR(info.st_mode) || info.st_rdev != null_device) continue;
    if (!null) {
      null = sys::try_openat(sys::at_cwd, "/dev/null", O_RDWR | O_NOFOLLOW);
      if (!null || sys::fstat(null).st_rdev != null_device) return;  // an image without one keeps the host's
    }
    sys::dup3_onto(null, fd);
  }
}

}  // namespace agentsafe::mount
