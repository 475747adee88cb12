// The one part of this folder that runs inside the init image: a process puts itself into the container's cgroups.
//
//   cgroup::join_self(plan.cgroup_files);       // single-threaded, before the first fork and before setuid
//
// On version 1, writing "0" to `tasks` takes 0.03 ms; a pid written to cgroup.procs waits 8–12 ms for the whole
// machine (threadgroup rwsem, see cgroup_procs_write_start in the kernel). Both mean the same for one thread.
// On version 2 nothing is written: clone3(CLONE_INTO_CGROUP) puts the child there before its first instruction.
#pragma once
#include <string>
#include <vector>

namespace agentsafe::cgroup {

// Writes "0" to each file ("/sys/fs/cgroup/pids/web/tasks"), as seen in the host's mount namespace.
// Throws Error("join the cgroup <file>: …").
void join_self(const std::vector<std::string>& files);

}  // namespace agentsafe::cgroup
