#include "runtime/cgroup/freezer.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "runtime/base/error.h"
#include "runtime/base/scope.h"
#include "runtime/base/text.h"
#include "runtime/cgroup/directory.h"
#include "runtime/sys/fd.h"

namespace agentsafe::cgroup {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
constexpr auto patience = 5s;

std::string v1_state(Directory& freezer) {
  return std::string(text::trim(freezer.try_read("freezer.state").value_or("")));
}

// True when FREEZING has turned into FROZEN within a short while.
bool settles(Directory& freezer) {
  for (auto pause = 50us; pause < 10ms; pause *= 2) {
    if (v1_state(freezer) == "FROZEN") return true;
    std::this_thread::sleep_for(pause);
  }
  return false;
}

[[noreturn]] void fail_to_freeze(Directory& directory) {
  fail("freeze " + directory.path() + ": some process does not stop; it may wait for a device or a file server");
}

}  // namespace

void freeze_v1(Directory& freezer) {
  OnExit thaw([&] { thaw_v1(freezer); });
  const auto deadline = steady_clock::now() + patience;
  do {
    freezer.write("freezer.state", "FROZEN");
    if (settles(freezer)) {
      thaw.keep();
      return;
    }
    // A task that was forked while the others were frozen can leave the state at FREEZING for ever: start over.
    freezer.write("freezer.state", "THAWED");
  } while (steady_clock::now() < deadline);
  fail_to_freeze(freezer);
}

void thaw_v1(Directory& freezer) { freezer.try_write("freezer.state", "THAWED"); }

bool is_frozen_v1(Directory& freezer) {
  const auto deadline = steady_clock::now() + 100ms;
  while (v1_state(freezer) == "FREEZING" && steady_clock::now() < deadline) std::this_thread::sleep_for(1ms);
  return v1_state(freezer) == "FROZEN" && text::trim(freezer.try_read("freezer.self_freezing").value_or("1")) == "1";
}

bool is_stopped_v1(Directory& freezer) {
  const auto state = v1_state(freezer);
  return state == "FROZEN" || state == "FREEZING";
}

void freeze_v2(Directory& directory) {
  const UniqueFd events = sys::openat(directory.fd(), "cgroup.events", O_RDONLY);
  OnExit thaw([&] { thaw_v2(directory); });
  directory.write("cgroup.freeze", "1");
  const auto deadline = steady_clock::now() + patience;
  while (!event_is_set(directory, "frozen")) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_clock::now());
    if (left <= 0ms) fail_to_freeze(directory);
    pollfd waiting{events.get(), POLLPRI, 0};
    // Never for long: a change between the check and poll is not told again once another descriptor has read it.
    ::poll(&waiting, 1, static_cast<int>(std::min(left, std::chrono::milliseconds(10)).count()));
  }
  thaw.keep();
}

void thaw_v2(Directory& directory) { directory.try_write("cgroup.freeze", "0"); }

bool is_frozen_v2(Directory& directory) { return text::trim(directory.try_read("cgroup.freeze").value_or("0")) == "1"; }

bool is_stopped_v2(Directory& directory) { return event_is_set(directory, "frozen"); }

bool event_is_set(Directory& directory, const char* name) {
  const auto content = directory.try_read("cgroup.events").value_or("");
  for (const auto line : text::lines(content)) {
    const auto words = text::words(line);
    if (words.size() == 2 && words[0] == name) return words[1] == "1";
  }
  return false;
}

}  // namespace agentsafe::cgroup
