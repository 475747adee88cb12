#include "runtime/cgroup/cgroup.h"

#include <poll.h>

#include <algorithm>
#include <csignal>
#include <thread>

#include "runtime/base/scope.h"
#include "runtime/base/text.h"
#include "runtime/cgroup/implementations.h"
#include "runtime/sys/fd.h"

namespace agentsafe::cgroup {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

void send(pid_t pid, int signal) {
  if (::kill(pid, signal) != 0 && errno != ESRCH)
    fail_errno("send signal " + std::to_string(signal) + " to process " + std::to_string(pid));
}

}  // namespace

std::unique_ptr<Cgroup> open_cgroup(const CgroupPlan& plan, const std::string& session_bus) {
  if (plan.systemd) return make_systemd(plan, session_bus);
  return plan.v1.empty() && plan.unified ? make_v2(plan) : make_v1(plan);
}

CgroupPlan with_missing_parents(CgroupPlan plan) {
  for (auto& place : plan.v1) place.first_missing = first_missing_parent(place);
  // the slices above a unit are systemd's to remove
  if (plan.unified && !(plan.systemd && plan.v1.empty())) plan.unified->first_missing = first_missing_parent(*plan.unified);
  return plan;
}

bool may_join_init_instead(int error_number) {
  return error_number == EBUSY || error_number == ENOENT || error_number == ENODEV || error_number == EOPNOTSUPP;
}

bool Cgroup::wait_until_empty(milliseconds limit) {
  constexpr milliseconds longest_pause{20};
  const UniqueFd events = open_events();
  const auto deadline = steady_clock::now() + limit;
  for (milliseconds pause{1}; populated(); pause = std::min(pause * 2, longest_pause)) {
    if (steady_clock::now() >= deadline) return false;
    pollfd waiting{events.get(), POLLPRI, 0};  // without events (version 1) this only waits
    ::poll(&waiting, 1, static_cast<int>(pause.count()));
  }
  return true;
}

void Cgroup::signal_each(int signal) {
  const bool stay_frozen = signal != SIGKILL && frozen();  // SIGKILL acts on thawed processes only, on version 1
  OnExit thaw_again([&] {
    if (!stay_frozen) thaw();
  });
  try {
    if (!stay_frozen) freeze();  // nobody can fork away from the list
  } catch (const Error&) {
    // Without a freezer, or with a process that does not stop: SIGKILL is repeated below until nobody is left.
  }
  constexpr int rounds = 100;
  for (int round = 0; round < rounds; ++round) {
    const auto members = pids();
    for (const pid_t pid : members) send(pid, signal);
    if (signal != SIGKILL || members.empty()) return;
    thaw();
    if (wait_until_empty(milliseconds(1 + round))) return;
  }
}

SubCgroup parse_sub_cgroup(const std::string& argument) {
  const auto colon = argument.find(':');
  if (colon == std::string::npos) return {{}, argument};
  const auto names = text::split(std::string_view(argument).substr(0, colon), ',');
  if (names.empty()) fail("bad sub cgroup path: " + argument + ": there is no controller before the colon");
  return {{names.begin(), names.end()}, argument.substr(colon + 1)};
}

Place below(Place place, const std::string& sub) {
  const std::string whole = text::clean_path(place.path + "/" + sub);
  if (whole != place.path && !whole.starts_with(place.path + "/")) fail("bad sub cgroup path: " + sub);
  place.path = whole;
  return place;
}

Place place_of(pid_t pid, const Place& place) {
  const std::string file = "/proc/" + std::to_string(pid) + "/cgroup";
  for (const auto& membership : parse_memberships(sys::read_file(sys::at_cwd, file))) {
    if (membership.controllers != place.controllers) continue;
    const auto path = within(membership.path, place.root);
    if (!path) fail(file + ": " + membership.path + " is not visible below " + place.mount_point);
    return {place.controllers, place.mount_point, place.root, *path};
  }
  fail(file + ": it does not name the hierarchy of " + place.mount_point);
}

void refuse_processes(Directory& directory) {
  const auto count = directory.pids().size();
  if (count > 0) fail("container's cgroup is not empty: " + std::to_string(count) + " process(es) found");
}

void refuse_frozen() { fail("container's cgroup unexpectedly frozen"); }

bool is_refusal(const Error& error) {
  const int number = error.error_number();
  return number == EACCES || number == EPERM || number == EROFS;
}

}  // namespace agentsafe::cgroup
