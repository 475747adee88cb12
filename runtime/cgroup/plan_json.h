// The field tables of plan.h, for state.json.
#pragma once
#include "oci/json.h"
#include "runtime/cgroup/plan.h"

namespace agentsafe::json {

template <>
inline constexpr auto fields<cgroup::Place> = std::tuple{
    optional("controllers", &cgroup::Place::controllers), required("mountPoint", &cgroup::Place::mount_point),
    required("root", &cgroup::Place::root), required("path", &cgroup::Place::path),
    optional("firstMissing", &cgroup::Place::first_missing)};
template <>
inline constexpr auto fields<cgroup::SystemdUnit> =
    std::tuple{required("unit", &cgroup::SystemdUnit::unit), required("slice", &cgroup::SystemdUnit::slice),
               optional("user", &cgroup::SystemdUnit::user), optional("subgroup", &cgroup::SystemdUnit::subgroup),
               required("cgroup", &cgroup::SystemdUnit::cgroup)};
template <>
inline constexpr auto fields<cgroup::CgroupPlan> = std::tuple{
    optional("v1", &cgroup::CgroupPlan::v1), optional("unified", &cgroup::CgroupPlan::unified),
    optional("bestEffort", &cgroup::CgroupPlan::best_effort), optional("rootless", &cgroup::CgroupPlan::rootless),
    optional("systemd", &cgroup::CgroupPlan::systemd)};

}  // namespace agentsafe::json
