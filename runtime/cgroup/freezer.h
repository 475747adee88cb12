// Stopping every process of a cgroup, and letting them go on. Two kernels' worth of state machines.
// Source: Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst, cgroup-v2.rst cgroup.freeze (Linux 5.2).
#pragma once
#include "runtime/base/unique_fd.h"

namespace agentsafe::cgroup {

class Directory;

// Both throw when not all processes have stopped after some seconds (one waits for a device, say); the cgroup is
// thawed again then.
void freeze_v1(Directory& freezer);
void freeze_v2(Directory& directory);
// A missing directory or freezer is fine.
void thaw_v1(Directory& freezer);
void thaw_v2(Directory& directory);
// Frozen by freeze, not because a cgroup above it is. A missing directory or freezer: false.
[[nodiscard]] bool is_frozen_v1(Directory& freezer);
[[nodiscard]] bool is_frozen_v2(Directory& directory);
// Nothing in it could run, be it because of a cgroup above it.
[[nodiscard]] bool is_stopped_v1(Directory& freezer);
[[nodiscard]] bool is_stopped_v2(Directory& directory);

// A line of cgroup.events says 1: "populated", "frozen". False when the file is gone.
[[nodiscard]] bool event_is_set(Directory& directory, const char* name);

}  // namespace agentsafe::cgroup
