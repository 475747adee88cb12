// The cgroup hierarchies of this host, as this process sees them. Probed once per verb.
// Source: cgroups(7), Documentation/admin-guide/cgroup-v1/cgroups.rst and cgroup-v2.rst, proc_pid_mountinfo(5).
//
//   const cgroup::Hierarchies host = cgroup::probe_hierarchies();
//   if (host.mode == cgroup::Mode::v2) … host.unified->mount_point …   // "/sys/fs/cgroup"
//
// Works inside containers and cgroup namespaces: a mount may show only a part of its hierarchy (root), and our own
// cgroup may lie outside of it (own is empty then; only absolute cgroupsPaths can be used).
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace agentsafe::cgroup {

enum class Mode {
  none,    // no cgroup file system is mounted
  v1,      // version 1 hierarchies only
  hybrid,  // version 1 hierarchies, and a unified one that has no or few controllers
  v2,      // the unified hierarchy only
};

struct Hierarchy {
  std::vector<std::string> controllers;  // of version 1: {"cpu","cpuacct"}, {"name=systemd"}; empty for the unified one
  std::string mount_point;               // "/sys/fs/cgroup/cpu,cpuacct"
  std::string root;                      // the cgroup that the mount point shows: "/", in containers maybe "/docker/7a"
  std::optional<std::string> own;        // our own cgroup below the mount point: "/", "/user/1"; empty: outside of it
};

struct Hierarchies {
  Mode mode = Mode::none;
  std::vector<Hierarchy> v1;         // in the kernel's order
  std::optional<Hierarchy> unified;  // hybrid and v2
};

// Reads /proc/self/cgroup, and /proc/self/mountinfo unless /sys/fs/cgroup is the whole unified hierarchy. Throws Error
// when /proc cannot be read.
[[nodiscard]] Hierarchies probe_hierarchies();

// The pure part: the texts of the two files, and whether version 1 mounts are to be disregarded.
[[nodiscard]] Hierarchies parse_hierarchies(std::string_view mountinfo, std::string_view proc_cgroup,
                                            bool only_unified = false);

// One line of /proc/PID/cgroup: "4:cpu,cpuacct:/a" → {{"cpu","cpuacct"}, "/a"}; "0::/a" → {{}, "/a"}.
struct Membership {
  std::vector<std::string> controllers;
  std::string path;
};
[[nodiscard]] std::vector<Membership> parse_memberships(std::string_view proc_cgroup);

// Where `cgroup` (a path of /proc/PID/cgroup) lies below a mount that shows the hierarchy from `root` on.
// within("/docker/a/b", "/docker/a") → "/b"; empty when it is not below it, or when either is outside of our namespace.
[[nodiscard]] std::optional<std::string> within(std::string_view cgroup, std::string_view root);

}  // namespace agentsafe::cgroup
