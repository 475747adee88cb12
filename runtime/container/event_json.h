// The lines that `events` prints: {"type":"stats"|"oom","id":…,"data":{…},"egress":{…}}, without a newline.
#pragma once
#include <optional>
#include <string>

#include "runtime/cgroup/stats.h"
#include "runtime/container/egress_json.h"

namespace agentsafe::container {

[[nodiscard]] std::string stats_event(const std::string& id, const cgroup::Stats& stats,
                                      const std::optional<EgressTraffic>& egress);
[[nodiscard]] std::string oom_event(const std::string& id);

}  // namespace agentsafe::container
