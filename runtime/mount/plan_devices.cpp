#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>

#include "runtime/base/text.h"
#include "runtime/mount/rootfs_plan.h"

namespace agentsafe::mount {
namespace {

struct DefaultDevice {
  const char* path;
  unsigned major;
  unsigned minor;
};
constexpr DefaultDevice default_devices[] = {
    // config-linux.md#default-devices
    {"/dev/null", 1, 3},   {"/dev/zero", 1, 5},    {"/dev/full", 1, 7},
    {"/dev/random", 1, 8}, {"/dev/urandom", 1, 9}, {"/dev/tty", 5, 0},
};

std::uint32_t type_bits(const std::string& type) {
  if (type == "b") return S_IFBLK;
  if (type == "p") return S_IFIFO;
  return S_IFCHR;  // c, u
}

DeviceStep plan_device(const oci::Device& device) {
  DeviceStep step;
  step.path = text::clean_path("/" + device.path);
  step.type = type_bits(device.type);
  if (step.type != S_IFIFO)
    step.device = makedev(static_cast<unsigned>(device.major), static_cast<unsigned>(device.minor));
  step.mode = device.fileMode.value_or(0666) & 07777;
  step.uid = device.uid.value_or(0);
  step.gid = device.gid.value_or(0);
  return step;
}

}  // namespace

std::vector<DeviceStep> plan_devices(const oci::Linux& linux) {
  std::vector<DeviceStep> devices;
  for (const auto& row : default_devices)
    devices.push_back({row.path, S_IFCHR, makedev(row.major, row.minor), 0666, 0, 0});
  for (const auto& device : linux.devices) {  // one of the same path takes the place of a default, or of an earlier one
    DeviceStep step = plan_device(device);
    const auto same = std::find_if(devices.begin(), devices.end(), [&](const auto& d) { return d.path == step.path; });
    if (same == devices.end()) {
      devices.push_back(std::move(step));
    } else {
      *same = std::move(step);
    }
  }
  return devices;
}

void shift_ids(RootfsPlan& plan, std::uint32_t first_id) {
  for (auto& device : plan.devices) {
    device.uid += first_id;
    device.gid += first_id;
  }
  for (auto& step : plan.mounts) {
    if (step.kind != StepKind::filesystem) continue;
    for (auto& [key, value] : step.options) {
      const auto id = key == "uid" || key == "gid" ? text::parse<std::uint32_t>(value) : std::nullopt;
      if (id) value = std::to_string(*id + first_id);
    }
  }
}

// The directories are named as on the host; the other names of co-mounted controllers are links.
void plan_cgroups(RootfsPlan& plan, const Facts& facts, bool has_cgroup_namespace) {
  const auto& cgroups = facts.cgroups;
  if (cgroups.v1.empty()) {
    plan.cgroup_view = has_cgroup_namespace ? CgroupView::fresh
                       : cgroups.unified    ? CgroupView::bound
                                            : CgroupView::host;
    if (cgroups.unified) plan.cgroups.push_back({"", cgroups.unified->directory(), {}});
    return;
  }
  plan.cgroup_view = CgroupView::split;
  for (const auto& place : cgroups.v1) {
    CgroupMount mount;
    mount.name = place.mount_point.substr(place.mount_point.rfind('/') + 1);
    mount.directory = place.directory();
    for (const auto& controller : place.controllers)
      if (controller != mount.name && !controller.starts_with("name=")) mount.links.push_back(controller);
    plan.cgroups.push_back(std::move(mount));
  }
  if (cgroups.unified) plan.cgroups.push_back({"unified", cgroups.unified->directory(), {}});
}

}  // namespace agentsafe::mount
