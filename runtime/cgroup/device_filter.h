// The version 2 device filter: an eBPF program on the container's cgroup that reads the rules of device_rules.h.
// Source: Documentation/admin-guide/cgroup-v2.rst "Device controller", bpf(2).
//
//   UniqueFd filter = load_device_filter(rules);          // 0.3 ms: the kernel checks and compiles it
//   attach_device_filter(filter, directory.fd());         // from now on it decides
//
// It is attached once, when the container is created; `update` leaves it and whatever GPU tools attached alone.
#pragma once
#include <linux/bpf.h>

#include <vector>

#include "runtime/base/unique_fd.h"
#include "runtime/cgroup/device_rules.h"

namespace agentsafe::cgroup {

// Pure; agrees with permits() for every request (tests/unit/cgroup runs it in an interpreter).
[[nodiscard]] std::vector<bpf_insn> compile_device_filter(const std::vector<DeviceRule>& rules);

// Both throw Error; error_number() is EPERM where BPF is not allowed (user namespaces).
[[nodiscard]] UniqueFd load_device_filter(const std::vector<DeviceRule>& rules);
void attach_device_filter(FdRef filter, FdRef cgroup);  // cgroup: a directory of the unified hierarchy, not opened with O_PATH

}  // namespace agentsafe::cgroup
