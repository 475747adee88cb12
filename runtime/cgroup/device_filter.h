// The version 2 device filter: an eBPF program on the container's cgroup that reads the rules of device_rules.h.
// Source: Documentation/admin-guide/cgroup-v2.rst "Device controller", bpf(2).
//
//   attach_device_filter(rules, directory.fd());
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

// cgroup: a directory of the unified hierarchy. Throws Error; error_number() is EPERM where BPF is not allowed (user
// namespaces).
void attach_device_filter(const std::vector<DeviceRule>& rules, FdRef cgroup);

}  // namespace agentsafe::cgroup
