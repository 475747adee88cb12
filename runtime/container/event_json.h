// The lines that `events` prints: {"type":"stats"|"oom","id":…,"data":{…}}, without a newline.
#pragma once
#include <string>

#include "runtime/cgroup/stats.h"

namespace agentsafe::container {

[[nodiscard]] std::string stats_event(const std::string& id, const cgroup::Stats& stats);
[[nodiscard]] std::string oom_event(const std::string& id);

}  // namespace agentsafe::container
