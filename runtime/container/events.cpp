// events: a line of statistics now and at every interval, and one for every strike of the OOM killer, until the
// container stops.
#include <poll.h>

#include <algorithm>
#include <cerrno>

#include "runtime/base/error.h"
#include "runtime/cgroup/stats_json.h"
#include "runtime/container/container.h"
#include "runtime/container/egress.h"
#include "runtime/container/egress_json.h"
#include "runtime/container/event_json.h"

namespace agentsafe::container {
namespace {

using Clock = std::chrono::steady_clock;
using Print = std::function<void(const std::string&)>;

void print_stats(Container& container, const Print& print) {
  auto stats = container.cgroup->stats();
  if (container.record.intelRdt)
    stats.intel_rdt = cgroup::resctrl_stats(cgroup::resctrl_mount_point(), *container.record.intelRdt);
  std::optional<EgressTraffic> traffic;
  if (container.record.egress) traffic = traffic_of(egress_counts(container));
  print(stats_event(container.record.id, stats, traffic));
}

}  // namespace

void events(Runtime& runtime, const EventsRequest& request, const Print& print) {
  if (request.interval.count() <= 0) fail("event interval must be greater than 0");
  Container container = open_container(runtime, request.id);
  const UniqueFd init = container.init();
  if (!init) fail(("container with id " + request.id + " is not running") += container.remark());
  if (request.stats) return print_stats(container, print);

  auto oom = container.cgroup->watch_oom();
  for (auto next = Clock::now() + request.interval;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(next - Clock::now());
    pollfd fds[2] = {{init.get(), POLLIN, 0}, {oom.fd().get(), POLLIN, 0}};
    const int n = ::poll(fds, 2, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    if (n < 0 && errno != EINTR) fail_errno("wait for events");
    if (n > 0 && fds[1].revents != 0 && oom.struck()) print(oom_event(request.id));
    if (n > 0 && fds[0].revents != 0) return;
    if (Clock::now() < next) continue;
    print_stats(container, print);
    next += request.interval;
  }
}

}  // namespace agentsafe::container
