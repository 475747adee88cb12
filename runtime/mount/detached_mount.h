// Mounts that are attached nowhere yet: made and given all their attributes first, so that a half-configured one is
// never visible (security.md rule 4). Source: fsopen(2), open_tree(2), mount_setattr(2).
//
//   UniqueFd tree = make_filesystem(step, {});
//   set_attributes(tree, step);
//   sys::move_mount(tree, target);
#pragma once
#include <cstdint>
#include <optional>

#include "runtime/base/unique_fd.h"
#include "runtime/mount/rootfs_plan.h"

namespace agentsafe::mount {

// A new file system with the step's options and attributes (not its recursive ones). default_mode: of a tmpfs whose
// options name none. Throws what the file system said about an option.
[[nodiscard]] UniqueFd make_filesystem(const MountStep& step, std::optional<mode_t> default_mode);
// What mount(2) takes for the same.
[[nodiscard]] unsigned long old_flags(const MountStep& step);
[[nodiscard]] std::string old_data(const MountStep& step);

// A copy of the mount at the step's source, with what is mounted below it when it is recursive.
[[nodiscard]] UniqueFd clone_source(const MountStep& step);

// Attributes (but those that fsmount has set already), recursive attributes and propagation, in few calls.
void set_attributes(FdRef tree, const MountStep& step);

}  // namespace agentsafe::mount
