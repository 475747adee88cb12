#include "runtime/sys/fd.h"

#include <dirent.h>
#include <linux/close_range.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "runtime/base/error.h"
#include "runtime/base/text.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

namespace agentsafe::sys {
namespace {

template <class F>
auto retry(F call) {
  for (;;) {
    const auto result = call();
    if (result != -1 || errno != EINTR) return result;
  }
}

void check(long result, const char* call, const std::string& object) {
  if (result == -1) fail_errno(std::string(call) + " " + object);
}

std::string name_of(FdRef fd) { return "fd " + std::to_string(fd.get()); }

}  // namespace

UniqueFd maybe_openat(FdRef dir, const std::string& path, int flags, mode_t mode) noexcept {
  return UniqueFd(retry([&] { return ::openat(dir.get(), path.c_str(), flags | O_CLOEXEC, mode); }));
}

UniqueFd openat(FdRef dir, const std::string& path, int flags, mode_t mode) {
  UniqueFd fd = maybe_openat(dir, path, flags, mode);
  if (!fd) fail_errno("open " + path);
  return fd;
}

UniqueFd try_openat(FdRef dir, const std::string& path, int flags, mode_t mode) {
  UniqueFd fd = maybe_openat(dir, path, flags, mode);
  if (!fd && errno != ENOENT && errno != ENOTDIR) fail_errno("open " + path);
  return fd;
}

UniqueFd maybe_openat2(FdRef dir, const std::string& path, std::uint64_t flags, std::uint64_t resolve,
                       mode_t mode) noexcept {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = resolve;
  how.mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? mode : 0;
  for (int attempt = 0;; ++attempt) {
    const long fd = ::syscall(SYS_openat2, dir.get(), path.c_str(), &how, sizeof how);
    if (fd >= 0) return UniqueFd(static_cast<int>(fd));
    if (errno != EINTR && (errno != EAGAIN || attempt >= 128)) return {};
  }
}

UniqueFd openat2(FdRef dir, const std::string& path, std::uint64_t flags, std::uint64_t resolve, mode_t mode) {
  UniqueFd fd = maybe_openat2(dir, path, flags, resolve, mode);
  if (!fd) fail_errno("openat2 " + path);
  return fd;
}

UniqueFd duplicate(FdRef fd, int lowest) {
  UniqueFd copy(::fcntl(fd.get(), F_DUPFD_CLOEXEC, lowest));
  if (!copy) fail_errno("duplicate " + name_of(fd));
  return copy;
}

void dup3_onto(FdRef from, int to) {
  if (from.get() == to) return set_cloexec(from, false);
  check(retry([&] { return ::dup3(from.get(), to, 0); }), "dup3", name_of(from));
}

void set_cloexec(FdRef fd, bool on) {
  check(::fcntl(fd.get(), F_SETFD, on ? FD_CLOEXEC : 0), "set close-on-exec of", name_of(fd));
}

void close_range(unsigned first, unsigned last, unsigned flags) {
  if (::syscall(SYS_close_range, first, last, flags) == 0) return;
  // before Linux 5.9 (CLOSE_RANGE_CLOEXEC: 5.11), or under a seccomp filter that does not know it
  if (errno != ENOSYS && errno != EINVAL && errno != EPERM) fail_errno("close_range");
  const UniqueFd self = openat(at_cwd, "/proc/self/fd", O_RDONLY | O_DIRECTORY);
  for (const auto& name : list_directory(self)) {
    const auto fd = text::parse<unsigned>(name);
    if (!fd || *fd < first || *fd > last || static_cast<int>(*fd) == self.get()) continue;
    const bool marks = (flags & CLOSE_RANGE_CLOEXEC) != 0;
    const int result = marks ? ::fcntl(static_cast<int>(*fd), F_SETFD, FD_CLOEXEC) : ::close(static_cast<int>(*fd));
    if (result != 0 && errno != EBADF) fail_errno("close_range fd " + name);  // EBADF: what listed them
  }
}

struct stat fstat(FdRef fd) {
  struct stat info {};
  check(::fstat(fd.get(), &info), "stat", name_of(fd));
  return info;
}

std::optional<struct stat> try_fstatat(FdRef dir, const std::string& path, int flags) {
  struct stat info {};
  if (::fstatat(dir.get(), path.c_str(), &info, flags) == 0) return info;
  if (errno != ENOENT && errno != ENOTDIR) fail_errno("stat " + path);
  return std::nullopt;
}

struct statfs fstatfs(FdRef fd) {
  struct statfs info {};
  check(retry([&] { return ::fstatfs(fd.get(), &info); }), "statfs", name_of(fd));
  return info;
}

void mkdirat(FdRef dir, const std::string& path, mode_t mode) {
  check(::mkdirat(dir.get(), path.c_str(), mode), "mkdir", path);
}

bool try_mkdirat(FdRef dir, const std::string& path, mode_t mode) {
  if (::mkdirat(dir.get(), path.c_str(), mode) == 0) return true;
  if (errno != EEXIST) fail_errno("mkdir " + path);
  return false;
}

void mkdir_all(const std::string& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) == 0 || errno == EEXIST) return;
  if (errno != ENOENT) fail_errno("mkdir " + path);
  const auto slash = path.find_last_of('/', path.find_last_not_of('/'));
  if (slash == std::string::npos || slash == 0) fail_errno("mkdir " + path, ENOENT);
  mkdir_all(path.substr(0, slash), mode);
  try_mkdirat(at_cwd, path, mode);
}

void mknodat(FdRef dir, const std::string& path, mode_t mode, dev_t device) {
  check(::mknodat(dir.get(), path.c_str(), mode, device), "mknod", path);
}

void symlinkat(const std::string& target, FdRef dir, const std::string& path) {
  check(::symlinkat(target.c_str(), dir.get(), path.c_str()), "symlink", path);
}

std::optional<std::string> try_readlinkat(FdRef dir, const std::string& path) {
  std::string target(256, '\0');
  for (;;) {
    const ssize_t n = ::readlinkat(dir.get(), path.c_str(), target.data(), target.size());
    if (n < 0 && (errno == ENOENT || errno == EINVAL || errno == ENOTDIR)) return std::nullopt;
    if (n < 0) fail_errno("readlink " + path);
    if (static_cast<std::size_t>(n) < target.size()) {
      target.resize(static_cast<std::size_t>(n));
      return target;
    }
    target.resize(target.size() * 2);
  }
}

std::string readlinkat(FdRef dir, const std::string& path) {
  auto target = try_readlinkat(dir, path);
  if (!target) fail_errno("readlink " + path);
  return std::move(*target);
}

bool unlinkat(FdRef dir, const std::string& path, int flags) {
  if (::unlinkat(dir.get(), path.c_str(), flags) == 0) return true;
  if (errno != ENOENT) fail_errno("unlink " + path);
  return false;
}

void renameat(FdRef dir, const std::string& from, const std::string& to) {
  check(::renameat(dir.get(), from.c_str(), dir.get(), to.c_str()), "rename", from);
}

void fchmod(FdRef fd, mode_t mode) {
  if (::fchmod(fd.get(), mode) == 0) return;
  if (errno != EBADF) fail_errno("chmod " + name_of(fd));
  check(::chmod(proc_path(fd).c_str(), mode), "chmod", name_of(fd));  // O_PATH descriptors
}

void fchown(FdRef fd, uid_t uid, gid_t gid) { fchownat(fd, "", uid, gid, AT_EMPTY_PATH); }

void fchownat(FdRef dir, const std::string& path, uid_t uid, gid_t gid, int flags) {
  check(::fchownat(dir.get(), path.c_str(), uid, gid, flags), "chown", path.empty() ? name_of(dir) : path);
}

void fchdir(FdRef dir) { check(::fchdir(dir.get()), "chdir to", name_of(dir)); }

std::vector<std::string> list_directory(FdRef dir) {
  struct CloseDir {
    void operator()(DIR* stream) const { ::closedir(stream); }
  };
  UniqueFd own = openat(dir, ".", O_RDONLY | O_DIRECTORY);
  DIR* const opened = ::fdopendir(own.get());
  if (opened == nullptr) fail_errno("list a directory");
  const auto stream = std::unique_ptr<DIR, CloseDir>(opened);
  (void)own.release();
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(opened);
    if (entry == nullptr && errno != 0) fail_errno("list a directory");
    if (entry == nullptr) return names;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
}

std::string read_all(FdRef fd, std::size_t limit) {
  std::string bytes;
  std::size_t used = 0;
  for (;;) {
    if (bytes.size() - used < 1024) bytes.resize(std::max<std::size_t>(4096, bytes.size() * 2));
    const ssize_t n = retry([&] { return ::read(fd.get(), bytes.data() + used, bytes.size() - used); });
    if (n < 0) fail_errno("read");
    if (n == 0) break;
    used += static_cast<std::size_t>(n);
    if (used > limit) fail("read: more than " + std::to_string(limit) + " bytes");
  }
  bytes.resize(used);
  return bytes;
}

std::string read_file(FdRef dir, const std::string& path, std::size_t limit) {
  const UniqueFd fd = openat(dir, path, O_RDONLY | O_NOCTTY);
  return in_context(path, [&] { return read_all(fd, limit); });
}

std::optional<std::string> try_read_file(FdRef dir, const std::string& path, std::size_t limit) {
  const UniqueFd fd = try_openat(dir, path, O_RDONLY | O_NOCTTY);
  if (!fd) return std::nullopt;
  return in_context(path, [&] { return read_all(fd, limit); });
}

namespace {

std::string read_one_record(FdRef fd, const std::string& path) {
  std::string bytes(4096, '\0');
  const ssize_t n = retry([&] { return ::read(fd.get(), bytes.data(), bytes.size()); });
  if (n < 0) fail_errno(path + ": read");
  bytes.resize(static_cast<std::size_t>(n));
  return bytes.size() < 4096 ? bytes : bytes + in_context(path, [&] { return read_all(fd); });
}

}  // namespace

std::string read_record(FdRef dir, const std::string& path) {
  return read_one_record(openat(dir, path, O_RDONLY | O_NOCTTY), path);
}

std::optional<std::string> try_read_record(FdRef dir, const std::string& path) {
  const UniqueFd fd = try_openat(dir, path, O_RDONLY | O_NOCTTY);
  if (!fd) return std::nullopt;
  return read_one_record(fd, path);
}

void write_all(FdRef fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = retry([&] { return ::write(fd.get(), bytes.data(), bytes.size()); });
    if (n < 0) fail_errno("write");
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

namespace {

void check_whole(ssize_t written, std::string_view value) {
  if (written < 0) fail_errno("write \"" + text::escaped(text::trim(value.substr(0, 200))) + "\"");
  if (static_cast<std::size_t>(written) != value.size()) fail("write: only a part was taken");
}

}  // namespace

void write_once(FdRef fd, std::string_view value) {
  check_whole(retry([&] { return ::write(fd.get(), value.data(), value.size()); }), value);
}

void rewrite(FdRef fd, std::string_view value) {
  check_whole(retry([&] { return ::pwrite(fd.get(), value.data(), value.size(), 0); }), value);
}

void write_file(FdRef dir, const std::string& path, std::string_view value) {
  const UniqueFd fd = openat(dir, path, O_WRONLY);
  in_context(path, [&] { write_once(fd, value); });
}

void make_file(FdRef dir, const std::string& name, std::string_view bytes, mode_t mode) {
  const UniqueFd fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
  in_context(name, [&] { write_all(fd, bytes); });
}

void stage_file(FdRef dir, const std::string& name, std::string_view bytes, mode_t mode) {
  const std::string fresh = "." + name;
  constexpr int made_by_us = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
  UniqueFd fd = maybe_openat(dir, fresh, made_by_us, mode);
  if (!fd) {
    if (errno == EEXIST) unlinkat(dir, fresh);  // of somebody who was killed
    fd = openat(dir, fresh, made_by_us, mode);
  }
  in_context(fresh, [&] { write_all(fd, bytes); });
}

void commit_file(FdRef dir, const std::string& name) {
  const std::string fresh = "." + name;
  const auto rename_as = [&](unsigned flags) {
    return ::renameat2(dir.get(), fresh.c_str(), dir.get(), name.c_str(), flags) == 0;
  };
  if (rename_as(RENAME_NOREPLACE)) return;
  if (errno == EEXIST && rename_as(RENAME_EXCHANGE)) {
    unlinkat(dir, fresh);
    return;
  }
  renameat(dir, fresh, name);  // a file system without them
}

void exchange_file(FdRef dir, const std::string& name) {
  const std::string fresh = "." + name;
  if (::renameat2(dir.get(), fresh.c_str(), dir.get(), name.c_str(), RENAME_EXCHANGE) != 0) return commit_file(dir, name);
  unlinkat(dir, fresh);
}

void replace_file(FdRef dir, const std::string& name, std::string_view bytes, mode_t mode) {
  stage_file(dir, name, bytes, mode);
  commit_file(dir, name);
}

Pipe pipe() {
  int ends[2];
  check(::pipe2(ends, O_CLOEXEC), "pipe", "");
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

SocketPair socketpair(int type) {
  int ends[2];
  check(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends), "socketpair", "");
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

UniqueFd memfd(const char* name) {
  UniqueFd fd(::memfd_create(name, MFD_CLOEXEC));
  if (!fd) fail_errno("memfd_create");
  return fd;
}

UniqueFd sealed_program(const char* name, std::string_view bytes) {
  constexpr unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  UniqueFd fd(::memfd_create(name, flags | MFD_EXEC));
  if (!fd && errno == EINVAL) fd.reset(::memfd_create(name, flags));  // before Linux 6.3
  if (!fd) fail_errno("memfd_create");
  write_all(fd, bytes);
  constexpr int every_seal = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
  check(::fcntl(fd.get(), F_ADD_SEALS, every_seal), "seal", name_of(fd));
  return fd;
}

std::string proc_path(FdRef fd) { return "/proc/self/fd/" + std::to_string(fd.get()); }

}  // namespace agentsafe::sys
