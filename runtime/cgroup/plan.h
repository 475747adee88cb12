// Where a container's cgroup lies in each hierarchy: plain facts, decided once by `create` and kept in the state.
// Source: config-linux.md#cgroups-path, and runc's cgroupfs driver for what the specification leaves open.
//
//   CgroupPlan plan = cgroup::plan_cgroup(spec.linux->cgroupsPath, id, host, {});
//   plan.unified->directory()   // "/sys/fs/cgroup/docker/3f4c"
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "runtime/base/wire.h"
#include "runtime/cgroup/hierarchy.h"
#include "runtime/systemd/value.h"

namespace agentsafe::cgroup {

struct Place {
  std::vector<std::string> controllers;  // as in Hierarchy
  std::string mount_point;
  std::string root;  // the cgroup that the mount point shows, as in Hierarchy
  std::string path;  // below the mount point: "/docker/3f4c"
  // The topmost directory above it that create() has to make: "/docker"; "": all are there. remove() takes them away
  // again when nobody else uses them. Set by with_missing_parents().
  std::string first_missing = {};

  [[nodiscard]] std::string directory() const { return mount_point + path; }
  bool operator==(const Place&) const = default;
};

// The unit of systemd that the cgroup belongs to, when systemd makes it (--systemd-cgroup).
struct SystemdUnit {
  std::string unit;      // "runc-web.scope", or a slice
  std::string slice;     // "system.slice"
  bool user = false;     // of the user's own systemd
  std::string subgroup;  // of the unit's cgroup, which the container gets (run.oci.systemd.subgroup)
  std::string cgroup;    // where systemd is expected to make it, as in /proc/PID/cgroup
  std::vector<systemd::Property> properties = {};  // of annotations; for create() alone, not in the state

  bool operator==(const SystemdUnit&) const = default;
};

struct CgroupPlan {
  std::vector<Place> v1;         // empty on a pure version 2 host
  std::optional<Place> unified;  // empty on a pure version 1 host; both empty: the container gets no cgroup
  // The user runs unprivileged and asked for no path: a hierarchy that refuses the directory is left out, which is an
  // error only when a limit needs it.
  bool best_effort = false;
  // Device rules that the kernel refuses are left out: in a user namespace no device node can be made anyway.
  bool rootless = false;
  std::optional<SystemdUnit> systemd;

  [[nodiscard]] bool none() const { return v1.empty() && !unified; }
  bool operator==(const CgroupPlan&) const = default;
};

struct PlanOptions {
  bool disabled = false;  // --cgroup-manager=disabled: no cgroup at all
  bool rootless = false;  // the runtime runs unprivileged, or inside a user namespace
  bool systemd = false;   // --systemd-cgroup
  std::uint32_t uid = 0;  // whose systemd it is, when rootless
  std::map<std::string, std::string> annotations = {};  // org.systemd.property.*, run.oci.systemd.subgroup
};

// An absolute cgroups_path counts from the mount point, a relative one from our own cgroup (on version 2 from its
// parent, because a cgroup that holds processes cannot pass controllers on to children); an empty one means the id as
// a relative path. ".." cannot leave that place.
// With systemd it is SLICE:PREFIX:NAME, a scope PREFIX-NAME.scope in that slice, or the slice NAME; defaults:
// system.slice (user.slice for the unprivileged), runc, the id. Source: runc's docs/systemd.md.
// Throws Error when the path names the top itself, or when it is relative and our own cgroup is not visible.
[[nodiscard]] CgroupPlan plan_cgroup(std::string_view cgroups_path, std::string_view id, const Hierarchies& host,
                                     const PlanOptions& options);

// Whether a cgroupsPath is written for systemd.
[[nodiscard]] bool is_systemd_path(std::string_view cgroups_path);

}  // namespace agentsafe::cgroup

template <>
inline constexpr auto agentsafe::wire::members<agentsafe::cgroup::Place> =
    std::tuple{&agentsafe::cgroup::Place::controllers, &agentsafe::cgroup::Place::mount_point,
               &agentsafe::cgroup::Place::root, &agentsafe::cgroup::Place::path,
               &agentsafe::cgroup::Place::first_missing};
template <>
inline constexpr auto agentsafe::wire::members<agentsafe::cgroup::CgroupPlan> =
    std::tuple{&agentsafe::cgroup::CgroupPlan::v1, &agentsafe::cgroup::CgroupPlan::unified,
               &agentsafe::cgroup::CgroupPlan::best_effort, &agentsafe::cgroup::CgroupPlan::rootless};
