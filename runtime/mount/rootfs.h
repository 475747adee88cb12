// Builds a container's root file system; runs in the init, in its new mount namespace.
//
//   Rootfs rootfs(plan);
//   rootfs.populate();     // propagation, bind of the root, mounts in order, devices and links
//   …createContainer hooks…
//   rootfs.enter();        // pivot_root
//   rootfs.seal();         // late read-only, readonlyPaths, maskedPaths
//   rootfs.verify(proc);   // reads the mount table back and compares it with what was done (security.md rule 5)
//
// Every path is resolved under a descriptor of the root (in_root.h), every mount is complete before it is attached
// (security.md rules 2-5). Errors: "mount /data: …", with what the file system said.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/base/unique_fd.h"
#include "runtime/mount/rootfs_plan.h"

namespace agentsafe::mount {

class Rootfs {
 public:
  explicit Rootfs(const RootfsPlan& plan) : plan_(plan) {}

  void populate();
  void enter();
  void seal();
  void verify(FdRef proc) const;

 private:
  struct Attached {               // what verify() expects
    std::uint64_t id;             // statx(2) stx_mnt_id
    std::string destination;
    std::string type;             // empty: whatever the source has
    bool readonly;
    bool recursive;
  };

  void bind_root();
  void mount(const MountStep& step);
  void mount_filesystem(const MountStep& step);
  void mount_bind(const MountStep& step);
  void mount_cgroups(const MountStep& step);
  void remount(const MountStep& step);
  bool copy_link(const MountStep& step);
  UniqueFd make_filesystem(const MountStep& step, FdRef target) const;
  void attach(FdRef tree, FdRef target, const MountStep& step, const std::string& type);
  void record(FdRef tree, const std::string& destination, const std::string& type, bool readonly, bool recursive);

  void make_devices();
  void make_device(FdRef parent, const std::string& name, const DeviceStep& device);
  void bind_device(FdRef parent, const std::string& name, const DeviceStep& device);
  void make_links();

  void make_readonly(const std::string& path);
  void mask(const std::string& path);

  const RootfsPlan& plan_;
  UniqueFd root_;                 // the attached root; after enter() also "/"
  UniqueFd null_tree_;            // a detached /dev/null of the host, verified, for masks of files
  UniqueFd empty_tree_;           // one read-only tmpfs for all masks of directories
  std::vector<Attached> attached_;
};

// tmpcopyup: copies what `from` holds (directories, files, links, modes, owners) into `to`.
void copy_directory(FdRef from, FdRef to);

}  // namespace agentsafe::mount
