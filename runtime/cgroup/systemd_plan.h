// Where a container's cgroup lies when systemd makes it: the part of plan_cgroup() for --systemd-cgroup. Pure.
#pragma once
#include "runtime/cgroup/plan.h"

namespace agentsafe::cgroup {

[[nodiscard]] CgroupPlan plan_systemd(std::string_view cgroups_path, std::string_view id, const Hierarchies& host,
                                      const PlanOptions& options);

// The unit's properties that annotations ask for: "org.systemd.property.TimeoutStopUSec": "uint64 5000000" (GVariant's
// text), or "org.systemd.property.TimeoutStopSec": "5" in seconds. Throws naming the annotation.
[[nodiscard]] std::vector<systemd::Property> annotated_properties(
    const std::map<std::string, std::string>& annotations);

}  // namespace agentsafe::cgroup
