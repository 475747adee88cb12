// The mount API. Source: mount(2), fsopen(2), fsconfig(2), fsmount(2), open_tree(2), move_mount(2), mount_setattr(2).
//
//   UniqueFd context = sys::fsopen("tmpfs");
//   sys::fsconfig_string(context, "size", "64k");
//   sys::fsconfig_create(context);
//   UniqueFd tree = sys::fsmount(context, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
//   sys::move_mount(tree, target);
//
// Needs Linux 5.12 (mount_setattr). All throw Error with the call and its object; fsconfig adds what the file system
// wrote to its log ("fsconfig(hidepid=9): invalid argument: proc: Bad value for 'hidepid'").
#pragma once
#include <linux/mount.h>

#include <cstdint>
#include <string>

#include "runtime/base/unique_fd.h"

namespace agentsafe::sys {

UniqueFd fsopen(const std::string& filesystem);
void fsconfig_flag(FdRef context, const std::string& key);
void fsconfig_string(FdRef context, const std::string& key, const std::string& value);
void fsconfig_fd(FdRef context, const std::string& key, FdRef value);
void fsconfig_create(FdRef context);
UniqueFd fsmount(FdRef context, std::uint64_t attributes);
// The superblock of the mount at `mount` (its root), to be configured anew.
UniqueFd fspick(FdRef mount);
void fsconfig_reconfigure(FdRef context);

// A detached copy of the mount at dir/path (OPEN_TREE_CLONE), with what is mounted below it when recursive.
UniqueFd clone_tree(FdRef dir, const std::string& path, bool recursive);
// Attaches a detached tree onto `target` (an O_PATH descriptor); no path is walked.
void move_mount(FdRef tree, FdRef target);

struct MountAttributes {
  std::uint64_t set = 0;          // MOUNT_ATTR_*
  std::uint64_t clear = 0;
  std::uint64_t propagation = 0;  // MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE or 0
  int userns_fd = -1;             // for MOUNT_ATTR_IDMAP
};
void mount_setattr(FdRef dir, const std::string& path, const MountAttributes& attributes, bool recursive);
inline void mount_setattr(FdRef tree, const MountAttributes& attributes, bool recursive) {
  mount_setattr(tree, "", attributes, recursive);
}

// The mount's id in /proc/PID/mountinfo (statx(2), Linux 5.8).
std::uint64_t mount_id(FdRef mount);

// mount(2) and umount2(2), for what the new API cannot say (propagation of "/", remount by path).
void mount(const std::string& source, const std::string& target, const std::string& type, unsigned long flags,
           const std::string& data);
void umount(const std::string& target, int flags);
void pivot_root(const std::string& new_root, const std::string& put_old);

}  // namespace agentsafe::sys
