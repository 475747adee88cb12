// The root file system of a container as decided on the host: plain values, in the order in which the init carries them
// out (rootfs.h). Source: config.md#mounts, config-linux.md#default-filesystems, #devices, #masked-paths.
//
//   RootfsPlan plan = mount::plan_rootfs(spec, facts, warnings);
//   auto owners = mount::open_sources(plan);        // host side: what the init could not open by itself
#pragma once
#include <cstdint>
#include <optional>
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
  std::uint64_t set = 0;    // MOUNT_ATTR_*
  std::uint64_t clear = 0;
  [[nodiscard]] bool empty() const { return set == 0 && clear == 0; }
};

enum class StepKind : std::uint8_t {
  filesystem,  // fsopen(type)
  bind,        // open_tree(source)
  remount,     // only the attributes of what is mounted there
  cgroup,      // the container's own cgroups
};

struct MountStep {
  StepKind kind = StepKind::filesystem;
  std::string destination;                                   // absolute, inside the container
  std::string source;
  std::string type;
  std::vector<std::pair<std::string, std::string>> options;  // for the file system: key and value, "" for a flag
  Attributes attributes;
  Attributes recursive_attributes;                           // the r* options
  std::vector<std::uint64_t> propagation;                    // MS_SHARED … , MS_REC; applied in order once attached
  bool recursive = false;                                    // rbind
  bool readonly_late = false;                                // tmpfs: read-only once the container is set up
  bool copy_up = false;                                      // tmpcopyup
  bool copy_symlink = false;                                 // a link as source is made anew instead of mounted
  bool source_nofollow = false;
  bool destination_nofollow = false;
  std::int32_t source_fd = -1;                               // a detached tree that the parent made
  bool idmapped = false;
  bool idmap_recursive = false;
  std::vector<oci::IdMapping> uid_map;                       // of the idmapped mount
  std::vector<oci::IdMapping> gid_map;
};

struct DeviceStep {
  std::string path;
  std::uint32_t type = 0;  // S_IFCHR, S_IFBLK, S_IFIFO
  std::uint64_t device = 0;
  std::uint32_t mode = 0666;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

struct CgroupMount {  // what a mount of type cgroup shows: one directory of the host per entry
  std::string name;       // below the destination; "" is the destination itself (version 2)
  std::string directory;
  std::vector<std::string> links;  // of co-mounted controllers: cpu → cpu,cpuacct
};

struct RootfsPlan {
  std::string path;
  std::uint64_t propagation = 0;         // of "/" before anything is mounted: MS_REC|MS_SLAVE …
  std::uint64_t final_propagation = 0;   // of the container's "/": MS_SHARED or MS_UNBINDABLE, else 0
  bool no_pivot = false;
  bool readonly = false;
  std::vector<MountStep> mounts;
  std::vector<CgroupMount> cgroups;
  bool sets_up_dev = true;               // false: /dev is bound from the host
  bool binds_devices = false;            // in a user namespace: nodes are bound from the host's, not made
  std::vector<DeviceStep> devices;
  std::vector<std::string> masked_paths;
  std::vector<std::string> readonly_paths;
  std::string label;                     // context= of masks and file systems
};

struct Facts {
  bool no_pivot = false;
  bool privileged = true;
  bool new_user_namespace = false;
  bool new_cgroup_namespace = false;
  cgroup::CgroupPlan cgroups;
};

// Pure; the spec is valid. Throws Error for options that contradict each other.
[[nodiscard]] RootfsPlan plan_rootfs(const oci::Spec& spec, const Facts& facts, std::vector<std::string>& warnings);

// Host side: idmapped sources, which need the host's privileges, as detached trees; their numbers go into the plan.
[[nodiscard]] std::vector<UniqueFd> open_sources(RootfsPlan& plan);

}  // namespace agentsafe::mount

namespace agentsafe::wire {
template <>
inline constexpr auto members<oci::IdMapping> =
    std::tuple{&oci::IdMapping::containerID, &oci::IdMapping::hostID, &oci::IdMapping::size};
template <>
inline constexpr auto members<mount::Attributes> = std::tuple{&mount::Attributes::set, &mount::Attributes::clear};
template <>
inline constexpr auto members<mount::MountStep> = std::tuple{
    &mount::MountStep::kind,           &mount::MountStep::destination,      &mount::MountStep::source,
    &mount::MountStep::type,           &mount::MountStep::options,          &mount::MountStep::attributes,
    &mount::MountStep::recursive_attributes, &mount::MountStep::propagation, &mount::MountStep::recursive,
    &mount::MountStep::readonly_late,  &mount::MountStep::copy_up,          &mount::MountStep::copy_symlink,
    &mount::MountStep::source_nofollow, &mount::MountStep::destination_nofollow, &mount::MountStep::source_fd,
    &mount::MountStep::idmapped,       &mount::MountStep::idmap_recursive,  &mount::MountStep::uid_map,
    &mount::MountStep::gid_map};
template <>
inline constexpr auto members<mount::DeviceStep> =
    std::tuple{&mount::DeviceStep::path, &mount::DeviceStep::type, &mount::DeviceStep::device,
               &mount::DeviceStep::mode, &mount::DeviceStep::uid,  &mount::DeviceStep::gid};
template <>
inline constexpr auto members<mount::CgroupMount> =
    std::tuple{&mount::CgroupMount::name, &mount::CgroupMount::directory, &mount::CgroupMount::links};
template <>
inline constexpr auto members<mount::RootfsPlan> = std::tuple{
    &mount::RootfsPlan::path,         &mount::RootfsPlan::propagation,   &mount::RootfsPlan::final_propagation,
    &mount::RootfsPlan::no_pivot,     &mount::RootfsPlan::readonly,      &mount::RootfsPlan::mounts,
    &mount::RootfsPlan::cgroups,      &mount::RootfsPlan::sets_up_dev,   &mount::RootfsPlan::binds_devices,
    &mount::RootfsPlan::devices,      &mount::RootfsPlan::masked_paths,  &mount::RootfsPlan::readonly_paths,
    &mount::RootfsPlan::label};
}  // namespace agentsafe::wire
