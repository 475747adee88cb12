// Starts the init image for a plan and brings it to where it answers on its channel: spawned into its namespaces and
// cgroup, id maps written, the stage process reaped. The same for create, run and exec.
#pragma once
#include <sys/types.h>

#include <functional>
#include <string_view>
#include <vector>

#include "runtime/base/log.h"
#include "runtime/base/unique_fd.h"
#include "runtime/namespaces/id_map.h"
#include "runtime/plan/init_plan.h"
#include "runtime/process/ahead.h"
#include "runtime/process/channel.h"
#include "runtime/sys/process.h"

namespace agentsafe::container {

// What stands before an error from then on, in runc's words: engines and their users look for them.
inline constexpr std::string_view not_started = "unable to start container process";

struct LaunchSetting {
  int cgroup_fd = -1;              // version 2: the cgroup to be born in; -1: the init joins by its plan's files
  bool is_fresh = false;           // nothing runs in that cgroup, and it has no limits yet
  std::function<void(pid_t)> attach;  // moves a process into the cgroup, where it cannot be born; may be empty
  namespaces::IdMaps id_maps;      // for a new user namespace
  bool privileged = true;          // the runtime may write any id map
  Log* log = nullptr;              // hears of the init's steps when it logs debug messages
  std::vector<int> inherit;        // descriptors that the plan names, and those the user's program keeps
  process::Ahead* ahead = nullptr; // never null when it is launched
};

struct Launched {
  sys::Child init;
  process::Channel channel;
};

// On failure nothing of it is left running. A network namespace that was made ahead leaves the plan.
[[nodiscard]] Launched launch(plan::InitPlan& plan, const LaunchSetting& setting);

// Ends a launched init that must not go on, and reaps it.
void abandon(const sys::Child& init) noexcept;

}  // namespace agentsafe::container
