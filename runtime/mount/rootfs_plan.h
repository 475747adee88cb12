// The root file system of a container as decided on the host: plain values, in the order in which the init carries them
// out (rootfs.h). Source: config.md#mounts, config-linux.md#default-filesystems, #devices, #masked-paths.
//
//   RootfsPlan plan = mount::plan_rootfs(spec, facts, warnings);
//   auto owners = mount::open_sources(plan);        // host side: what the init could not open by itself
#pragma once
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "oci/spec.h"
#include "runtime/base/unique_fd.h"
#include "runtime/base/wire.h"
#include "runtime/cgroup/plan.h"

namespace agentsafe::mount {

struct Attributes {
  std::uint64_t set = 0;  // MOUNT_ATTR_*
  std::uint64_t clear = 0;
  [[nodiscard]] bool empty() const { return set == 0 && clear == 0; }
};

enum class StepKind : std::uint8_t {
  filesystem,   // fsopen(type)
  bind,         // open_tree(source)
  remount,      // changes what is mounted there
  propagation,  // only the propagation of what is mounted there
  cgroup,       // the container's own cgroups
};

using Option = std::pair<std::string, std::string>;  // for the file system: key and value, "" for a flag

struct MountStep {
  StepKind kind = StepKind::filesystem;
  std::string destination;  // absolute, inside the container
  std::string source;
  std::string type;
  std::vector<Option> options;                // data of the file system
  std::vector<std::string> superblock_flags;  // ro sync dirsync lazytime mand …; binds have no use for them
  bool old_api = false;                       // mount(2): what fsconfig(2) cannot say (iversion, values over 255 bytes)
  Attributes attributes;
  Attributes recursive_attributes;         // the r* options
  std::vector<std::uint64_t> propagation;  // MS_SHARED …, MS_REC; in this order
  bool recursive = false;                  // rbind
  bool readonly_late = false;              // read-only once the container is set up: others mount or make nodes in it
  bool copy_up = false;                    // tmpcopyup
  bool copy_symlink = false;               // a link as source is made anew instead of mounted
  bool source_nofollow = false;            // a link as source is mounted itself
  bool destination_nofollow = false;       // a link as destination is covered itself
  bool covers_proc_file = false;           // one of the files of procfs that may be covered
  std::string fallback_source;             // bound when a user namespace may not mount this file system
  std::int32_t source_fd = -1;             // a detached tree that the parent made, with all its attributes
  bool keeps_ids = false;  // of a bind: not idmapped to the container's ids (RootfsPlan::idmap_fd)
  bool idmapped = false;
  bool idmap_recursive = false;
  std::vector<oci::IdMapping> uid_map;  // of the idmapped mount
  std::vector<oci::IdMapping> gid_map;
  std::string idmap_namespace;  // or the user namespace at this path
};

struct DeviceStep {
  std::string path;
  std::uint32_t type = 0;  // S_IFCHR, S_IFBLK, S_IFIFO
  std::uint64_t device = 0;
  std::uint32_t mode = 0666;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

enum class CgroupView : std::uint8_t {
  fresh,  // version 2 in a cgroup namespace: a cgroup2 mount of its own, or else the bind below
  bound,  // version 2: the container's directory
  split,  // version 1 or hybrid: a tmpfs with one directory per hierarchy
  host,   // the container has no cgroup of its own: the host's, read-only
};

struct CgroupMount {  // one directory of the host
  std::string name;   // below the destination; "" is the destination itself (version 2)
  std::string directory;
  std::vector<std::string> links;  // of co-mounted controllers: cpu → cpu,cpuacct
};

inline constexpr std::uint64_t scratch_inodes = 1048576;  // that a layer over the root may have

struct RootfsPlan {
  std::string path;
  std::uint64_t propagation = 0;        // of "/" before anything is mounted: MS_SLAVE …
  std::uint64_t final_propagation = 0;  // of the container's "/": MS_SHARED or MS_UNBINDABLE, else 0
  bool no_pivot = false;
  // no mount namespace: the mounts lie in the runtime's own, and delete takes them away; `propagation`, which would be the
  // host's, is left alone
  bool hosts_mounts = false;
  bool readonly = false;
  std::uint64_t scratch_size = 0;  // bytes of a layer over the root, which is then never written; 0: none
  std::int32_t scratch_fd = -1;    // the layer's folder on disk, a detached tree that the parent made; -1: memory
  // The container's ids of this user namespace are shown for the host's: the root and the binds are idmapped to it.
  std::int32_t idmap_fd = -1;
  std::uint64_t attributes = 0;  // MOUNT_ATTR_* of the root
  bool binds_on_host = false;  // bind sources are opened by the parent: they may be out of the init's reach
  std::vector<MountStep> mounts;
  CgroupView cgroup_view = CgroupView::host;
  std::vector<CgroupMount> cgroups;
  bool sets_up_dev = true;     // false: /dev is bound from the host
  bool binds_devices = false;  // in a user namespace: nodes are bound from the host's, not made
  std::vector<DeviceStep> devices;
  std::vector<std::string> masked_paths;  // clean, each once
  std::vector<std::string> readonly_paths;
  std::string label;  // context= of masks and file systems
};

struct Facts {
  bool no_pivot = false;
  bool hosts_mounts = false;       // the container has no mount namespace apart from the host's
  bool privileged = true;  // the runtime is root of the initial user namespace
  bool new_user_namespace = false;
  bool new_cgroup_namespace = false;
  std::string context_type = "context";  // the mount option that linux.mountLabel becomes
  std::string systemd_v1_path;  // the cgroup mount here becomes the hierarchy name=systemd of version 1; "": none
  cgroup::CgroupPlan cgroups;
};

// Pure; the spec is valid. Throws Error for what cannot be mounted: over /proc, over "/", a bind without a source, an
// idmapped file system. Warnings: what is left out or read differently than written.
[[nodiscard]] RootfsPlan plan_rootfs(const oci::Spec& spec, const Facts& facts, std::vector<std::string>& warnings);

// The part of plan_rootfs about devices and cgroups (plan_devices.cpp).
[[nodiscard]] std::vector<DeviceStep> plan_devices(const oci::Linux& linux);
void plan_cgroups(RootfsPlan& plan, const Facts& facts, bool has_cgroup_namespace);

// Ids of a container whose own are shifted by the policy: devices, and uid= and gid= of file systems, which are made
// before the user namespace is entered.
void shift_ids(RootfsPlan& plan, std::uint32_t first_id);
// What stands before an error of this step, in runc's words: engines look for them.
[[nodiscard]] std::string failure_of(const MountStep& step);

// Host side: the folder of a scratch layer on disk, for RootfsPlan::scratch_fd.
[[nodiscard]] UniqueFd open_scratch(const std::string& folder);

// Host side: bind sources that need the host's privileges (idmapped ones; all when the container has a user namespace),
// as detached trees with their attributes; their numbers go into the plan. The owners live until the init has them.
[[nodiscard]] std::vector<UniqueFd> open_sources(RootfsPlan& plan);

}  // namespace agentsafe::mount

namespace agentsafe::wire {
template <>
inline constexpr auto members<oci::IdMapping> =
    std::tuple{&oci::IdMapping::containerID, &oci::IdMapping::hostID, &oci::IdMapping::size};
template <>
inline constexpr auto members<mount::Attributes> = std::tuple{&mount::Attributes::set, &mount::Attributes::clear};
template <>
inline constexpr auto members<mount::MountStep> = std::tuple{&mount::MountStep::kind,
                                                             &mount::MountStep::destination,
                                                             &mount::MountStep::source,
                                                             &mount::MountStep::type,
                                                             &mount::MountStep::options,
                                                             &mount::MountStep::superblock_flags,
                                                             &mount::MountStep::old_api,
                                                             &mount::MountStep::attributes,
                                                             &mount::MountStep::recursive_attributes,
                                                             &mount::MountStep::propagation,
                                                             &mount::MountStep::recursive,
                                                             &mount::MountStep::readonly_late,
                                                             &mount::MountStep::copy_up,
                                                             &mount::MountStep::copy_symlink,
                                                             &mount::MountStep::source_nofollow,
                                                             &mount::MountStep::destination_nofollow,
                                                             &mount::MountStep::covers_proc_file,
                                                             &mount::MountStep::fallback_source,
                                                             &mount::MountStep::source_fd,
                                                             &mount::MountStep::keeps_ids,
                                                             &mount::MountStep::idmapped,
                                                             &mount::MountStep::idmap_recursive,
                                                             &mount::MountStep::uid_map,
                                                             &mount::MountStep::gid_map,
                                                             &mount::MountStep::idmap_namespace};
template <>
inline constexpr auto members<mount::DeviceStep> =
    std::tuple{&mount::DeviceStep::path, &mount::DeviceStep::type, &mount::DeviceStep::device,
               &mount::DeviceStep::mode, &mount::DeviceStep::uid,  &mount::DeviceStep::gid};
template <>
inline constexpr auto members<mount::CgroupMount> =
    std::tuple{&mount::CgroupMount::name, &mount::CgroupMount::directory, &mount::CgroupMount::links};
template <>
inline constexpr auto members<mount::RootfsPlan> = std::tuple{
    &mount::RootfsPlan::path,         &mount::RootfsPlan::propagation,    &mount::RootfsPlan::final_propagation,
    &mount::RootfsPlan::no_pivot,     &mount::RootfsPlan::hosts_mounts, &mount::RootfsPlan::readonly,     &mount::RootfsPlan::scratch_size,   &mount::RootfsPlan::scratch_fd, &mount::RootfsPlan::idmap_fd, &mount::RootfsPlan::attributes,
    &mount::RootfsPlan::binds_on_host,
    &mount::RootfsPlan::mounts,       &mount::RootfsPlan::cgroup_view,    &mount::RootfsPlan::cgroups,
    &mount::RootfsPlan::sets_up_dev,  &mount::RootfsPlan::binds_devices,  &mount::RootfsPlan::devices,
    &mount::RootfsPlan::masked_paths, &mount::RootfsPlan::readonly_paths, &mount::RootfsPlan::label};
}  // namespace agentsafe::wire
