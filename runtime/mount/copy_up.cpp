#include "runtime/mount/copy_up.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include <cerrno>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/sys/fd.h"

namespace agentsafe::mount {
namespace {

void copy_times(FdRef to, const std::string& name, const struct stat& info) {
  const timespec times[] = {info.st_atim, info.st_mtim};
  if (::utimensat(to.get(), name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) fail_errno("set the times");
}

void copy_file(FdRef from, FdRef to, const std::string& name, const struct stat& info) {
  const UniqueFd source = sys::openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (!S_ISREG(sys::fstat(source).st_mode)) fail("it has been exchanged");
  const UniqueFd copy = sys::openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  for (;;) {
    const ssize_t n = ::sendfile(copy.get(), source.get(), nullptr, 1U << 20);
    if (n < 0 && errno != EINTR) fail_errno("copy");
    if (n == 0) break;
  }
  sys::fchown(copy, info.st_uid, info.st_gid);
  sys::fchmod(copy, info.st_mode & 07777);  // after chown, which clears the set-user-ID bit
}

void copy_entry(FdRef from, FdRef to, const std::string& name, const struct stat& info) {
  if (S_ISREG(info.st_mode)) {
    copy_file(from, to, name, info);
  } else if (S_ISDIR(info.st_mode)) {
    sys::mkdirat(to, name, 0700);
    const UniqueFd inner = sys::openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    copy_directory(sys::openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), inner);
  } else if (S_ISLNK(info.st_mode)) {
    sys::symlinkat(sys::readlinkat(from, name), to, name);
    sys::fchownat(to, name, info.st_uid, info.st_gid);
  } else {
    sys::mknodat(to, name, info.st_mode, info.st_rdev);
    sys::fchownat(to, name, info.st_uid, info.st_gid);
  }
  copy_times(to, name, info);
}

}  // namespace

void copy_directory(FdRef from, FdRef to) {
  for (const auto& name : sys::list_directory(from)) {
    const auto info = sys::try_fstatat(from, name);
    if (info) in_context("copy " + text::escaped(name), [&] { copy_entry(from, to, name, *info); });
  }
  const auto info = sys::fstat(from);
  sys::fchown(to, info.st_uid, info.st_gid);
  sys::fchmod(to, info.st_mode & 07777);
}

}  // namespace agentsafe::mount
