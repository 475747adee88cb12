// Paths of the container, resolved as the container would resolve them: links stay inside its root, magic links are
// refused, nothing is decided by comparing strings. Source: openat2(2), security.md rules 2 and 3.
//
//   Target place = make_target(root, "/var/run/x.sock", TargetKind::file);   // missing parts are made, 0755
//   UniqueFd dir = open_in_root(root, "dev", O_DIRECTORY);
//
// Where the kernel (before 5.6) or a filter has no openat2, a walk of our own does the same. What is made gets its mode
// only without a umask (sys::NoUmask).
#pragma once
#include <sys/stat.h>

#include <string>

#include "runtime/base/unique_fd.h"

namespace agentsafe::mount {

// O_PATH | flags (O_DIRECTORY); empty for ENOENT and ENOTDIR, other errors throw.
[[nodiscard]] UniqueFd try_open_in_root(FdRef root, const std::string& path, int flags = 0);
[[nodiscard]] UniqueFd open_in_root(FdRef root, const std::string& path, int flags = 0);
// try_open_in_root without openat2.
[[nodiscard]] UniqueFd try_walk_in_root(FdRef root, const std::string& path, int flags = 0);

enum class TargetKind { directory, file };
struct Target {
  UniqueFd fd;  // O_PATH
  struct stat info {};
  bool made = false;  // it was missing
};
// The place to mount onto; made when it is missing, each missing directory on the way too (mode 0755). A dangling link
// is followed and what it points to is made, inside the root. Throws when a directory is wanted and a file is there, or
// the other way round (in words with "not a directory", which engines look for).
[[nodiscard]] Target make_target(FdRef root, const std::string& path, TargetKind kind);
// The same, but a link as the last component is the target itself.
[[nodiscard]] Target make_target_nofollow(FdRef root, const std::string& path, TargetKind kind);
// For proc and sysfs: no component may be a link (CVE-2019-19921, CVE-2023-27561).
[[nodiscard]] Target make_plain_directory(FdRef root, const std::string& path);

// The directory that holds path's last component, made when missing; `name` gets that component.
[[nodiscard]] UniqueFd make_parent(FdRef root, const std::string& path, std::string& name);

}  // namespace agentsafe::mount
