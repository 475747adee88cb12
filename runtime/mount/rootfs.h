// Builds a container's root file system; runs in the init, in its new mount namespace.
//
//   Rootfs rootfs(plan);
//   rootfs.populate();     // propagation, bind of the root, mounts in order, devices and links
//   …createContainer hooks…
//   rootfs.enter();        // pivot_root
//   …console…
//   rootfs.seal();         // late read-only, readonlyPaths, maskedPaths
//   rootfs.verify(proc);   // reads the mount table back and compares it with what was done (security.md rule 5)
//
// Every path is resolved under a descriptor of the root (in_root.h), every mount is complete before it is attached
// (detached_mount.h). Errors: "mount /data: …", with what the file system said.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/base/unique_fd.h"
#include "runtime/mount/in_root.h"
#include "runtime/mount/mount_table.h"
#include "runtime/mount/rootfs_plan.h"

namespace agentsafe::mount {

class Rootfs {
 public:
  explicit Rootfs(const RootfsPlan& plan) : plan_(plan) {}

  void populate();
  void enter();
  void seal();
  // `proc` is a procfs that nobody else can change (procfs.h). Throws too when a mount lies on a process of it.
  void verify(FdRef proc) const;

  // The container's /proc as we have mounted it, after populate(): nobody else could touch it yet, so it does as a
  // private procfs (saves the 0.25 ms that making and unmounting another takes). Empty when it is not a whole, writable
  // procfs of its own.
  [[nodiscard]] UniqueFd take_proc() { return std::move(proc_); }

 private:
  // rootfs.cpp
  void bind_root();
  void overlay_root(FdRef source);
  void show_own_ids(FdRef tree) const;
  void clone_null_device();
  void pivot();
  void move_and_chroot();

  // mounts.cpp
  void mount(const MountStep& step);
  void mount_filesystem(const MountStep& step);
  void mount_by_old_api(const MountStep& step, const Target& target);
  void mount_bind(const MountStep& step);
  void mount_cgroup(const MountStep& step);
  void mount_cgroup_hierarchies(const MountStep& step);
  void remount(const MountStep& step);
  bool copy_link(const MountStep& step);
  [[nodiscard]] Target place_for(const MountStep& step, TargetKind kind);
  void attach(UniqueFd tree, FdRef target, const MountStep& step, const std::string& type);
  void record(FdRef tree, const std::string& destination, const std::string& type, std::uint64_t flags, bool recursive);

  // devices.cpp
  void make_devices();
  void make_device(FdRef parent, const std::string& name, const DeviceStep& device);
  void bind_device(FdRef parent, const std::string& name, const DeviceStep& device);
  void make_links();

  // masks.cpp
  void make_readonly(const std::string& path);
  void mask(const std::string& path);
  void cover(const UniqueFd& shared, bool& is_attached, FdRef target, const std::string& path, const std::string& type);

  const RootfsPlan& plan_;
  UniqueFd root_;  // the attached root; after enter() also "/"
  struct stat root_info_ {};
  dev_t no_proc_ = 0;  // a device that is known not to be a procfs
  UniqueFd proc_;
  std::vector<UniqueFd> late_;     // mounts that become read-only in seal()
  UniqueFd null_tree_;             // the host's /dev/null, verified, for masks of files
  UniqueFd empty_tree_;            // one read-only tmpfs for all masks of directories
  bool null_is_attached_ = false;  // a mask uses it already: the next ones are its copies
  bool empty_is_attached_ = false;
  std::vector<ExpectedMount> attached_;
};

}  // namespace agentsafe::mount
