#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <linux/mount.h>

#include <algorithm>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/mount/options.h"

namespace agentsafe::mount {
namespace {

struct DefaultDevice {
  const char* path;
  unsigned major;
  unsigned minor;
};
constexpr DefaultDevice default_devices[] = {  // config-linux.md#default-devices
    {"/dev/null", 1, 3}, {"/dev/zero", 1, 5}, {"/dev/full", 1, 7},
    {"/dev/random", 1, 8}, {"/dev/urandom", 1, 9}, {"/dev/tty", 5, 0},
};

// Contract §4.11: what may be bound over a file of procfs (lxcfs and engines do), everything else under /proc is refused.
constexpr std::string_view proc_files[] = {
    "/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo", "/proc/stat", "/proc/swaps", "/proc/uptime",
    "/proc/loadavg", "/proc/slabinfo", "/proc/sys/kernel/ns_last_pid", "/proc/sys/crypto/fips_enabled",
};

void split_option(std::string_view word, MountStep& step) {
  const auto equals = word.find('=');
  step.options.emplace_back(word.substr(0, equals),
                            equals == std::string_view::npos ? "" : std::string(word.substr(equals + 1)));
}

void refuse_over_proc(const MountStep& step) {
  const auto& path = step.destination;
  if (path == "/proc" && (step.kind == StepKind::filesystem && step.type == "proc")) return;
  if (path == "/proc" && step.kind == StepKind::bind) return;  // checked by its file system's magic when it is mounted
  if (path != "/proc" && !path.starts_with("/proc/")) return;
  if (step.kind == StepKind::remount) return;
  if (std::find(std::begin(proc_files), std::end(proc_files), path) != std::end(proc_files)) return;
  if (step.kind == StepKind::filesystem && step.type != "proc" && path != "/proc") {
    // tmpfs and the like over a directory of procfs hide it; that is what masks do too
    if (step.type == "tmpfs" || step.type == "binfmt_misc") return;
  }
  fail("mount " + path + ": it cannot be mounted because it is inside /proc");
}

MountStep plan_step(const oci::Mount& mount, const std::string& bundle_label) {
  MountStep step;
  step.destination = text::clean_path("/" + mount.destination);
  step.source = mount.source;
  step.type = mount.type;
  std::vector<std::string_view> for_file_system;
  for (const auto& word : mount.options)
    if (!apply_option(word, step)) for_file_system.push_back(word);
  for (const auto word : for_file_system) split_option(word, step);
  if (mount.type == "bind" && step.kind == StepKind::filesystem) step.kind = StepKind::bind;
  if (step.kind == StepKind::filesystem && (mount.type == "cgroup" || mount.type == "cgroup2")) step.kind = StepKind::cgroup;
  if (!mount.uidMappings.empty() || !mount.gidMappings.empty()) {
    step.idmapped = true;
    step.uid_map = mount.uidMappings;
    step.gid_map = mount.gidMappings;
  }
  if (step.kind == StepKind::filesystem && step.type.empty() && !step.propagation.empty()) step.kind = StepKind::remount;
  if (step.kind == StepKind::bind) {
    // "rw" alone asks for nothing: it must not make writable what the host has mounted read-only
    step.attributes.clear &= ~std::uint64_t{MOUNT_ATTR_RDONLY};
    if (step.source.empty()) fail("mount " + step.destination + ": a bind mount needs a source");
  }
  step.readonly_late = step.type == "tmpfs" && step.kind == StepKind::filesystem &&
                       (step.attributes.set & MOUNT_ATTR_RDONLY) != 0;
  if (step.readonly_late) step.attributes.set &= ~std::uint64_t{MOUNT_ATTR_RDONLY};
  const bool labelled = step.type == "tmpfs" || step.type == "devpts" || step.type == "mqueue";
  if (!bundle_label.empty() && labelled && step.type != "mqueue") step.options.emplace_back("context", bundle_label);
  refuse_over_proc(step);
  return step;
}

std::uint32_t type_bits(const std::string& type) {
  if (type == "b") return S_IFBLK;
  if (type == "p") return S_IFIFO;
  return S_IFCHR;  // c, u
}

void plan_devices(RootfsPlan& plan, const oci::Linux& linux) {
  for (const auto& device : default_devices)
    plan.devices.push_back({device.path, S_IFCHR, makedev(device.major, device.minor), 0666, 0, 0});
  for (const auto& device : linux.devices) {
    const DeviceStep step{text::clean_path(device.path),
                          type_bits(device.type),
                          device.type == "p" ? 0 : makedev(static_cast<unsigned>(device.major), static_cast<unsigned>(device.minor)),
                          device.fileMode.value_or(0666) & 07777,
                          device.uid.value_or(0),
                          device.gid.value_or(0)};
    const auto same = std::find_if(plan.devices.begin(), plan.devices.end(), [&](const auto& d) { return d.path == step.path; });
    if (same == plan.devices.end()) {
      plan.devices.push_back(step);
    } else {
      *same = step;
    }
  }
}

std::vector<std::string> unique_paths(const std::vector<std::string>& paths) {
  std::vector<std::string> unique;
  for (const auto& path : paths) {
    std::string clean = text::clean_path(path);
    if (std::find(unique.begin(), unique.end(), clean) == unique.end()) unique.push_back(std::move(clean));
  }
  return unique;
}

// One directory per hierarchy, named as on the host; the other names of co-mounted controllers are links.
std::vector<CgroupMount> plan_cgroups(const cgroup::CgroupPlan& cgroups) {
  if (cgroups.v1.empty() && cgroups.unified) return {{"", cgroups.unified->directory(), {}}};
  std::vector<CgroupMount> mounts;
  for (const auto& place : cgroups.v1) {
    CgroupMount mount;
    mount.name = place.mount_point.substr(place.mount_point.rfind('/') + 1);
    mount.directory = place.directory();
    for (const auto& controller : place.controllers)
      if (controller != mount.name && !controller.starts_with("name=")) mount.links.push_back(controller);
    mounts.push_back(std::move(mount));
  }
  if (cgroups.unified) mounts.push_back({"unified", cgroups.unified->directory(), {}});
  return mounts;
}

}  // namespace

RootfsPlan plan_rootfs(const oci::Spec& spec, const Facts& facts, std::vector<std::string>& warnings) {
  const oci::Linux none;
  const auto& linux = spec.linux ? *spec.linux : none;
  RootfsPlan plan;
  plan.path = spec.root->path;
  plan.readonly = spec.root->readonly;
  plan.no_pivot = facts.no_pivot;
  plan.label = linux.mountLabel;
  const auto propagation = propagation_of(linux.rootfsPropagation);
  plan.propagation = MS_REC | (propagation != 0 ? propagation & ~std::uint64_t{MS_REC} : std::uint64_t{MS_SLAVE});
  if ((plan.propagation & MS_UNBINDABLE) != 0) plan.propagation = MS_REC | MS_PRIVATE;  // it could not be bound itself
  if ((propagation & (MS_SHARED | MS_UNBINDABLE)) != 0) plan.final_propagation = propagation & ~std::uint64_t{MS_REC};
  for (const auto& mount : spec.mounts) {
    MountStep step = plan_step(mount, linux.mountLabel);
    if (step.idmapped && step.kind != StepKind::bind)
      fail("mount " + step.destination + ": only bind mounts can be idmapped");
    if (step.idmapped && step.uid_map.empty() && step.gid_map.empty()) {  // implied: the container's own
      step.uid_map = linux.uidMappings;
      step.gid_map = linux.gidMappings;
    }
    if (!mount.destination.starts_with('/'))
      warnings.push_back("mount destination \"" + mount.destination + "\" is not absolute: taken from \"/\"");
    if (step.kind == StepKind::bind && step.destination == "/dev") plan.sets_up_dev = false;
    plan.mounts.push_back(std::move(step));
  }
  plan.cgroups = plan_cgroups(facts.cgroups);
  plan.binds_devices = facts.new_user_namespace || !facts.privileged;
  if (plan.sets_up_dev) plan_devices(plan, linux);
  plan.masked_paths = unique_paths(linux.maskedPaths);
  plan.readonly_paths = unique_paths(linux.readonlyPaths);
  return plan;
}

}  // namespace agentsafe::mount
