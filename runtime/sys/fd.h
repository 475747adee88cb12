// Files and directories by descriptor: one typed function per system call, with the call's name.
// Every descriptor is opened O_CLOEXEC. Functions throw Error("<call> <object>: <errno in words>"); those named try_…
// answer an empty owner, optional or false where "may be absent" is an expected outcome.
// EINTR is retried everywhere.
#pragma once
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/unique_fd.h"

namespace agentsafe::sys {

inline const FdRef at_cwd{AT_FDCWD};

// open(2): openat(dir, path, flags|O_CLOEXEC, mode). Paths here are trusted names of the host or of our own folders.
UniqueFd openat(FdRef dir, const std::string& path, int flags, mode_t mode = 0);
// The same; empty for ENOENT (also ENOTDIR), other errors throw.
UniqueFd try_openat(FdRef dir, const std::string& path, int flags, mode_t mode = 0);
// Never throws: empty and errno set.
UniqueFd maybe_openat(FdRef dir, const std::string& path, int flags, mode_t mode = 0) noexcept;

// openat2(2) with the resolve flags (RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS …); EAGAIN is retried up to 128 times.
// Needs Linux 5.6; where the kernel or a filter lacks it: throws ENOSYS (callers that must go on use mount/in_root.h).
UniqueFd openat2(FdRef dir, const std::string& path, std::uint64_t flags, std::uint64_t resolve, mode_t mode = 0);
UniqueFd maybe_openat2(FdRef dir, const std::string& path, std::uint64_t flags, std::uint64_t resolve,
                       mode_t mode = 0) noexcept;

// A new descriptor >= lowest on the same open file.
UniqueFd duplicate(FdRef fd, int lowest = 3);
void dup3_onto(FdRef from, int to);  // dup2 without O_CLOEXEC on the copy
void set_cloexec(FdRef fd, bool on);
// close_range(2); flags: CLOSE_RANGE_CLOEXEC. Falls back to /proc/self/fd where the kernel or a filter has none.
void close_range(unsigned first, unsigned last, unsigned flags);

struct stat fstat(FdRef fd);
std::optional<struct stat> try_fstatat(FdRef dir, const std::string& path, int flags = AT_SYMLINK_NOFOLLOW);
struct statfs fstatfs(FdRef fd);

void mkdirat(FdRef dir, const std::string& path, mode_t mode);
// true when it was made, false when it was there.
bool try_mkdirat(FdRef dir, const std::string& path, mode_t mode);
// mkdir -p of a host path.
void mkdir_all(const std::string& path, mode_t mode);
void mknodat(FdRef dir, const std::string& path, mode_t mode, dev_t device);
void symlinkat(const std::string& target, FdRef dir, const std::string& path);
std::string readlinkat(FdRef dir, const std::string& path);
std::optional<std::string> try_readlinkat(FdRef dir, const std::string& path);
// false for ENOENT.
bool unlinkat(FdRef dir, const std::string& path, int flags = 0);
void renameat(FdRef dir, const std::string& from, const std::string& to);
void fchmod(FdRef fd, mode_t mode);  // also for O_PATH descriptors (through /proc/self/fd)
void fchown(FdRef fd, uid_t uid, gid_t gid);
void fchownat(FdRef dir, const std::string& path, uid_t uid, gid_t gid, int flags = AT_SYMLINK_NOFOLLOW);
void fchdir(FdRef dir);

// While it lives, what is made gets exactly the mode that is asked for.
class NoUmask {
 public:
  NoUmask() : before_(::umask(0)) {}
  NoUmask(const NoUmask&) = delete;
  NoUmask& operator=(const NoUmask&) = delete;
  ~NoUmask() { ::umask(before_); }

 private:
  mode_t before_;
};

// Names in a directory, without "." and ".."; the descriptor's offset is moved.
std::vector<std::string> list_directory(FdRef dir);

// The whole of a regular or kernel file; throws beyond `limit` bytes.
std::string read_all(FdRef fd, std::size_t limit = 16U << 20);
std::string read_file(FdRef dir, const std::string& path, std::size_t limit = 16U << 20);
std::optional<std::string> try_read_file(FdRef dir, const std::string& path, std::size_t limit = 16U << 20);
// A kernel file that shows one record, as the knobs of a cgroup and /proc/PID/stat do: one read(2) gets it whole,
// unless it fills the buffer.
std::string read_record(FdRef dir, const std::string& path);
std::optional<std::string> try_read_record(FdRef dir, const std::string& path);
void write_all(FdRef fd, std::string_view bytes);
// One write(2) of the whole value, for kernel files that take a value per write; a short write is an error.
void write_once(FdRef fd, std::string_view value);
// The same through a descriptor that is kept for more values: pwrite(2) to the beginning, which files of cgroups take and
// those of /proc refuse (ESPIPE).
void rewrite(FdRef fd, std::string_view value);
void write_file(FdRef dir, const std::string& path, std::string_view value);  // O_WRONLY, write_once

// A new file; throws where there is one (EEXIST).
void make_file(FdRef dir, const std::string& name, std::string_view bytes, mode_t mode);
// dir/name gets `bytes` atomically: dir/.name (O_EXCL), write; then rename. fsync is not needed: state lives on tmpfs.
void stage_file(FdRef dir, const std::string& name, std::string_view bytes, mode_t mode);
void commit_file(FdRef dir, const std::string& name);
// Where dir/name is there already. Not rename(2) over the old file, in either: ext4 then writes the new one to the disk at
// once, and who removes it later waits.
void exchange_file(FdRef dir, const std::string& name);
// stage_file and commit_file.
void replace_file(FdRef dir, const std::string& name, std::string_view bytes, mode_t mode);

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};
Pipe pipe();
struct SocketPair {
  UniqueFd ours;
  UniqueFd theirs;
};
SocketPair socketpair(int type);

UniqueFd memfd(const char* name);  // memfd_create(2)
// A program to execute: a memfd with these bytes and every seal (WRITE, GROW, SHRINK, SEAL), so that nobody who gets
// hold of it, as /proc/PID/exe for one, can write to it (CVE-2019-5736).
UniqueFd sealed_program(const char* name, std::string_view bytes);

// "/proc/self/fd/N", for calls that take only paths; /proc must be a real one (callers in init use the private one).
std::string proc_path(FdRef fd);

}  // namespace agentsafe::sys
