// Which devices a container may make and open: linux.resources.devices as rules, and what version 1 takes of them.
// Source: config-linux.md#allowed-device-list, Documentation/admin-guide/cgroup-v1/devices.rst.
//
// Rules are read in order, and for each of read, write and mknod the last rule that matches decides. Before the first
// rule everything is denied. After the last one stand the devices that every container needs (null, zero, full,
// random, urandom, tty, ptmx, pts) and mknod of any node, as runc has it: a node that may not be opened is harmless.
//
//   std::vector<DeviceRule> rules = device_rules(spec.linux->resources->devices);
//   load_device_filter(rules)                  // version 2: device_filter.h
//   v1_device_writes(rules)                    // {{"devices.deny", "a"}, {"devices.allow", "c 1:3 rwm"}, …}
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "oci/linux.h"
#include "runtime/cgroup/writes.h"

namespace agentsafe::cgroup {

enum class DeviceKind { any, character, block };

inline constexpr unsigned access_mknod = 1;  // the kernel's BPF_DEVCG_ACC_* numbers
inline constexpr unsigned access_read = 2;
inline constexpr unsigned access_write = 4;
inline constexpr unsigned access_all = access_mknod | access_read | access_write;

struct DeviceRule {
  bool allow = false;
  DeviceKind kind = DeviceKind::any;
  std::optional<std::uint32_t> major;  // empty: all of them
  std::optional<std::uint32_t> minor;
  unsigned access = access_all;

  bool operator==(const DeviceRule&) const = default;
};

// The specification's rules in our words, and the usual devices after them. A major or minor of -1 means all.
// Throws Error for unknown types and access letters ("linux.resources.devices: 3: …").
[[nodiscard]] std::vector<DeviceRule> device_rules(const std::vector<oci::DeviceCgroup>& devices);

// What a rule list answers, by reading it. The filter and the tables below must agree with it.
[[nodiscard]] bool permits(const std::vector<DeviceRule>& rules, DeviceKind kind, std::uint32_t major,
                           std::uint32_t minor, unsigned access);

// Version 1 keeps a default and a list of exceptions to it, so a rule that cuts a hole into a wildcard of the opposite
// kind (allow c 1:*, then deny c 1:5) cannot be written: throws Error rather than enforce less.
[[nodiscard]] std::vector<Write> v1_device_writes(const std::vector<DeviceRule>& rules);

}  // namespace agentsafe::cgroup
