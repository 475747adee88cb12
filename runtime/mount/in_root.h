// Paths of the container, resolved as the container would resolve them: links stay inside its root, magic links are
// refused, nothing is decided by comparing strings. Source: openat2(2), security.md rules 2 and 3.
//
//   UniqueFd target = make_target(root, "/var/run/x.sock", TargetKind::file);   // missing parts are made, 0755
//   UniqueFd dir = open_in_root(root, "dev", O_DIRECTORY);
#pragma once
#include <string>

#include "runtime/base/unique_fd.h"

namespace agentsafe::mount {

// O_PATH | flags; empty for ENOENT and ENOTDIR, other errors throw.
[[nodiscard]] UniqueFd try_open_in_root(FdRef root, const std::string& path, int flags = 0);
[[nodiscard]] UniqueFd open_in_root(FdRef root, const std::string& path, int flags = 0);

enum class TargetKind { directory, file };
// The place to mount onto; made when it is missing, each missing directory on the way too (mode 0755). A dangling link
// is followed and what it points to is made, inside the root. Throws when a directory is wanted and a file is there, or
// the other way round (ENOTDIR in the words "not a directory").
[[nodiscard]] UniqueFd make_target(FdRef root, const std::string& path, TargetKind kind);

// The directory that holds path's last component, made when missing; `name` gets that component.
[[nodiscard]] UniqueFd make_parent(FdRef root, const std::string& path, std::string& name);

}  // namespace agentsafe::mount
