#include "runtime/container/event_json.h"

#include "runtime/cgroup/stats_json.h"

namespace agentsafe::container {
namespace {

struct StatsEvent {
  std::string type = "stats";
  std::string id;
  cgroup::Stats data;
  std::optional<EgressTraffic> egress;
};
struct OomEvent {
  std::string type = "oom";
  std::string id;
};

}  // namespace
}  // namespace agentsafe::container

namespace agentsafe::json {
using container::OomEvent;
using container::StatsEvent;

template <>
inline constexpr auto fields<StatsEvent> =
    std::tuple{required("type", &StatsEvent::type), required("id", &StatsEvent::id), required("data", &StatsEvent::data),
               optional("egress", &StatsEvent::egress)};
template <>
inline constexpr auto fields<OomEvent> = std::tuple{required("type", &OomEvent::type), required("id", &OomEvent::id)};
}  // namespace agentsafe::json

namespace agentsafe::container {

std::string stats_event(const std::string& id, const cgroup::Stats& stats, const std::optional<EgressTraffic>& egress) {
  return json::write(StatsEvent{.id = id, .data = stats, .egress = egress});
}

std::string oom_event(const std::string& id) { return json::write(OomEvent{.id = id}); }

}  // namespace agentsafe::container
