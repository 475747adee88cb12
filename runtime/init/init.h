// The first process of a container, and each process that `exec` adds: what the init image does between clone and the
// user's execve, as a list of steps (init.cpp) that is the design on one page. Everything was decided on the host; here
// is only order. Contract: order of operations as runc's, since callers and hooks observe it.
#pragma once
#include "runtime/base/unique_fd.h"
#include "runtime/plan/init_plan.h"
#include "runtime/process/channel.h"

namespace agentsafe::init {

// Carries out the plan in this process and executes the user's program. Throws Error for the caller to report through
// the channel; never returns. Errors after the exec fifo was opened go to `start` through the fifo instead.
[[noreturn]] void run(const plan::InitPlan& plan, process::Channel& channel);

// The stage process: joins and makes the namespaces that clone3 cannot make at once, then clones the init, which is a
// child of the runtime (CLONE_PARENT) and continues in `run`. The stage itself ends with _exit(0).
[[noreturn]] void run_staged(const plan::InitPlan& plan, process::Channel& channel);

}  // namespace agentsafe::init
