#include "runtime/sys/mount.h"

#include <fcntl.h>
#include <linux/stat.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>

#include "runtime/base/error.h"
#include "runtime/base/text.h"

// The UAPI's <linux/mount.h> and glibc's <sys/mount.h> (from 2.36) agree on what both define.
namespace agentsafe::sys {
namespace {

// What the file system said about the last error: lines "e message", one per read.
std::string context_log(FdRef context) {
  std::string said;
  char line[512];
  for (int i = 0; i < 8; ++i) {
    const ssize_t n = ::read(context.get(), line, sizeof line);
    if (n <= 2) break;
    const auto message = text::trim(std::string_view(line, static_cast<std::size_t>(n)).substr(2));
    said += ": " + text::escaped(message);
  }
  return said;
}

[[noreturn]] void fail_with_log(const std::string& what, FdRef context) {
  const int saved = errno;
  throw Error(what + ": " + errno_text(saved) + context_log(context), saved);
}

void fsconfig(FdRef context, unsigned command, const char* key, const void* value, int aux, const std::string& what) {
  if (::syscall(SYS_fsconfig, context.get(), command, key, value, aux) != 0) fail_with_log(what, context);
}

}  // namespace

UniqueFd fsopen(const std::string& filesystem) {
  UniqueFd context(static_cast<int>(::syscall(SYS_fsopen, filesystem.c_str(), FSOPEN_CLOEXEC)));
  if (!context) fail_errno("fsopen " + filesystem);
  return context;
}

void fsconfig_flag(FdRef context, const std::string& key) {
  fsconfig(context, FSCONFIG_SET_FLAG, key.c_str(), nullptr, 0, "fsconfig(" + key + ")");
}

void fsconfig_string(FdRef context, const std::string& key, const std::string& value) {
  fsconfig(context, FSCONFIG_SET_STRING, key.c_str(), value.c_str(), 0, "fsconfig(" + key + "=" + value + ")");
}

void fsconfig_fd(FdRef context, const std::string& key, FdRef value) {
  fsconfig(context, FSCONFIG_SET_FD, key.c_str(), nullptr, value.get(), "fsconfig(" + key + ")");
}

void fsconfig_create(FdRef context) {
  fsconfig(context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0, "create the file system");
}

UniqueFd fsmount(FdRef context, std::uint64_t attributes) {
  UniqueFd tree(static_cast<int>(
      ::syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, static_cast<unsigned>(attributes))));
  if (!tree) fail_with_log("fsmount", context);
  return tree;
}

UniqueFd fspick(FdRef mount) {
  UniqueFd context(static_cast<int>(::syscall(SYS_fspick, mount.get(), "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH)));
  if (!context) fail_errno("fspick");
  return context;
}

void fsconfig_reconfigure(FdRef context) {
  fsconfig(context, FSCONFIG_CMD_RECONFIGURE, nullptr, nullptr, 0, "reconfigure the file system");
}

UniqueFd clone_tree(FdRef dir, const std::string& path, bool recursive) {
  const unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (path.empty() ? AT_EMPTY_PATH : 0U) |
                         (recursive ? static_cast<unsigned>(AT_RECURSIVE) : 0U);
  UniqueFd tree(static_cast<int>(::syscall(SYS_open_tree, dir.get(), path.c_str(), flags)));
  if (!tree) fail_errno(path.empty() ? std::string("open_tree") : "open_tree " + path);
  return tree;
}

void move_mount(FdRef tree, FdRef target) {
  if (::syscall(SYS_move_mount, tree.get(), "", target.get(), "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) !=
      0)
    fail_errno("move_mount");
}

void mount_setattr(FdRef dir, const std::string& path, const MountAttributes& attributes, bool recursive) {
  mount_attr attr{};
  attr.attr_set = attributes.set;
  attr.attr_clr = attributes.clear;
  attr.propagation = attributes.propagation;
  attr.userns_fd = attributes.userns_fd >= 0 ? static_cast<std::uint64_t>(attributes.userns_fd) : 0;
  const unsigned flags = (path.empty() ? AT_EMPTY_PATH : 0U) | (recursive ? static_cast<unsigned>(AT_RECURSIVE) : 0U);
  if (::syscall(SYS_mount_setattr, dir.get(), path.c_str(), flags, &attr, sizeof attr) != 0)
    fail_errno(path.empty() ? std::string("mount_setattr") : "mount_setattr " + path);
}

std::uint64_t mount_id(FdRef mount) {
  struct statx info {};
  if (::statx(mount.get(), "", AT_EMPTY_PATH, STATX_MNT_ID, &info) != 0) fail_errno("statx of a mount");
  return info.stx_mnt_id;
}

void mount(const std::string& source, const std::string& target, const std::string& type, unsigned long flags,
           const std::string& data) {
  const char* const none = nullptr;
  if (::mount(source.empty() ? none : source.c_str(), target.c_str(), type.empty() ? none : type.c_str(), flags,
              data.empty() ? none : data.c_str()) != 0)
    fail_errno("mount " + target);
}

void umount(const std::string& target, int flags) {
  if (::umount2(target.c_str(), flags) != 0) fail_errno("unmount " + target);
}

void pivot_root(const std::string& new_root, const std::string& put_old) {
  if (::syscall(SYS_pivot_root, new_root.c_str(), put_old.c_str()) != 0) fail_errno("pivot_root " + new_root);
}

}  // namespace agentsafe::sys
