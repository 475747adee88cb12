// The field table of resctrl.h, for state.json.
#pragma once
#include "oci/json.h"
#include "runtime/cgroup/resctrl.h"

namespace agentsafe::json {

template <>
inline constexpr auto fields<cgroup::ResctrlFacts> =
    std::tuple{required("group", &cgroup::ResctrlFacts::group),
               optional("monitoringGroup", &cgroup::ResctrlFacts::monitoring_group),
               optional("madeGroup", &cgroup::ResctrlFacts::made_group)};

}  // namespace agentsafe::json
