// linux.resources as properties of a unit of systemd, for what systemd can express; the files of the cgroup hold the
// same and the rest (knobs.h). systemd must know the limits, or it writes its own ideas over them (systemctl
// daemon-reload). Pure. Source: systemd.resource-control(5), org.freedesktop.systemd1(5); runc's docs/systemd.md.
//
//   systemd_properties(resources, {.version = 257})  →  {{"CPUWeight", uint64 39}, {"MemoryMax", uint64 536870912}, …}
#pragma once
#include <vector>

#include "oci/linux.h"
#include "runtime/cgroup/device_rules.h"
#include "runtime/systemd/value.h"

namespace agentsafe::cgroup {

struct SystemdFacts {
  bool v2 = true;
  unsigned version = 0;  // of systemd: properties that are newer are left to the files
};

// What systemd is told when: once the init is in, which a limit of tasks must not keep out, with the devices, and last.
enum class PropertyGroup { limits, tasks, memory };

[[nodiscard]] std::vector<systemd::Property> systemd_properties(const oci::Resources& resources, PropertyGroup group,
                                                                const SystemdFacts& facts);
// All groups.
[[nodiscard]] std::vector<systemd::Property> systemd_properties(const oci::Resources& resources,
                                                                const SystemdFacts& facts);
// Whether any of them needs a systemd of a certain version.
[[nodiscard]] bool depends_on_version(const oci::Resources& resources);

// The same properties as `changed`, with the values that `before` has for them, or else what systemd takes for "not
// set".
[[nodiscard]] std::vector<systemd::Property> restoring_properties(const std::vector<systemd::Property>& changed,
                                                                  const std::vector<systemd::Property>& before);

// DevicePolicy and DeviceAllow. What a unit cannot express is allowed there and refused by our own filter, which
// systemd leaves in place on version 2; on version 1 there is but one list, so it is an error there. `group_of`: the
// names of major numbers in /proc/devices ("c 136" → "pts"), as systemd takes them.
[[nodiscard]] std::vector<systemd::Property> device_properties(const std::vector<DeviceRule>& rules, bool v2,
                                                               std::string_view proc_devices);

// "0-2,8" as systemd's bit mask: bytes 0x07 0x01. Throws on anything else.
[[nodiscard]] std::string cpu_set_bytes(std::string_view list);

}  // namespace agentsafe::cgroup
