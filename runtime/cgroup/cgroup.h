// A container's cgroup: made, joined, limited, frozen, killed, measured, removed. One interface; version 1 (with the
// hybrid host's unified hierarchy beside it) and version 2 implement it, and a third one around either, whose cgroup is made
// by systemd.
// Source: config-linux.md#control-groups, cgroups(7), Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst.
//
//   CgroupPlan plan = with_missing_parents(plan_cgroup(spec.linux->cgroupsPath, id, probe_hierarchies(), {}));
//   auto cgroup = open_cgroup(plan);               // the plan is in state.json before the first directory is made
//   cgroup->create();                              // refuses one that is in use; destructor undoes it until keep()
//   Join join = cgroup->join();                    // directory → clone3(CLONE_INTO_CGROUP), files → init: join_self()
//   cgroup->apply(resources);  …  cgroup->apply_memory(resources);   // memory last: init works before it is limited
//   cgroup->keep();
//   …another program, with the plan from state.json…
//   auto cgroup = open_cgroup(state.cgroup);
//   cgroup->kill_all(SIGKILL);  cgroup->remove();
//
// A container without cgroups (an empty plan) has an object too: it does nothing, and refuses limits.
// All functions throw Error with the cgroup's directory and file.
#pragma once
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "oci/linux.h"
#include "runtime/base/unique_fd.h"
#include "runtime/cgroup/oom_watch.h"
#include "runtime/cgroup/plan.h"
#include "runtime/cgroup/stats.h"

namespace agentsafe::cgroup {

// How a process gets into the cgroup; both parts may be empty.
struct Join {
  UniqueFd directory;              // for clone3(CLONE_INTO_CGROUP): version 2, and the unified part of hybrid
  std::vector<std::string> files;  // for join_self(): version 1
};

class Cgroup {
 public:
  Cgroup() = default;
  Cgroup(const Cgroup&) = delete;
  Cgroup& operator=(const Cgroup&) = delete;
  virtual ~Cgroup() = default;

  // Makes the directories, on version 2 enables the controllers above them. One that was there must be unused:
  // throws "container's cgroup is not empty: N process(es) found", "container's cgroup unexpectedly frozen".
  // After a failure the cgroup is somebody else's: kill_all, add and remove do nothing from then on.
  virtual void create() = 0;
  // The same for a cgroup that systemd has made, and that holds the process `holder` (or, with 0, none): not refused.
  virtual void adopt(pid_t holder) = 0;
  virtual void keep() = 0;

  // For the container's first process, right after create().
  [[nodiscard]] virtual Join join() = 0;
  // For exec --cgroup: each "path" or "controller[,controller]:path", below the container's cgroup; none: its cgroup.
  // Throws "bad sub cgroup path: …".
  [[nodiscard]] virtual Join join_below(const std::vector<std::string>& sub_cgroups) = 0;
  // The cgroups that process `init` is in now: for exec, when join_below({}) led to one of may_join_init_instead().
  [[nodiscard]] virtual Join join_of(pid_t init) = 0;
  // Moves a process that runs already. On version 1 this waits 8–12 ms for the machine: prefer join().
  virtual void add(pid_t pid) = 0;
  // The init cannot be born into it, nor join: it must be moved by add(), before it makes its cgroup namespace.
  [[nodiscard]] virtual bool is_joined_by_add() const { return false; }

  // All limits but memory; the device rules; memory. What cannot be enforced is an error. The rules wait until the init
  // has mounted and opened what it needs (version 1 denies all devices for a moment before it allows some), but must
  // stand before hooks that change them.
  virtual void apply_limits(const oci::Resources& resources) = 0;
  virtual void apply_devices(const oci::Resources& resources) = 0;
  // What apply_devices() can do before with the same resources, while the init mounts; may be left out.
  virtual void prepare_devices(const oci::Resources&) {}
  void apply(const oci::Resources& resources) {
    apply_limits(resources);
    apply_devices(resources);
  }
  virtual void apply_memory(const oci::Resources& resources) = 0;
  // Changes limits of a living container (merge.h has the rules); devices are left alone. On failure the old values are
  // restored. Answers the resources to keep in the state.
  virtual oci::Resources update(const oci::Resources& change, const oci::Resources& current) = 0;
  // Throws when memory.checkBeforeUpdate is set and the new limit is below what is in use.
  virtual void check_update(const oci::Resources& change, const oci::Resources& current) = 0;
  // Hands the cgroup to a user: chown of the directory and of the files in /sys/kernel/cgroup/delegate. Version 2 only;
  // version 1 cannot be delegated safely, nothing happens. Source: config-linux.md#cgroup-ownership.
  virtual void delegate(uid_t owner) = 0;

  // freeze() returns when every process has stopped. Without a freezer: freeze throws, thaw does nothing, frozen is
  // false.
  virtual void freeze() = 0;
  virtual void thaw() = 0;
  [[nodiscard]] virtual bool frozen() = 0;
  // Frozen itself, or held by a frozen one above it: who enters it stands still.
  [[nodiscard]] virtual bool held() = 0;
  // Sends a signal to every process in it and below. SIGKILL ends all, also those just being forked, and frozen ones.
  // Does not wait for their end.
  virtual void kill_all(int signal) = 0;

  [[nodiscard]] virtual std::vector<pid_t> pids() = 0;  // of the whole subtree, sorted, as seen in our pid namespace
  [[nodiscard]] virtual bool populated() = 0;           // any process in the subtree
  // Readable with POLLPRI when populated() may have changed; empty on pure version 1 hosts.
  [[nodiscard]] virtual UniqueFd open_events() = 0;
  // True when nobody is left in it, false after `limit`.
  [[nodiscard]] bool wait_until_empty(std::chrono::milliseconds limit);

  [[nodiscard]] virtual Stats stats() = 0;
  [[nodiscard]] virtual OomWatch watch_oom() = 0;
  // How often the OOM killer has struck since the cgroup was made; costs nothing until it is asked.
  [[nodiscard]] virtual std::uint64_t oom_kills() = 0;

  // Removes it and everything below, and those above it that create() made, unless somebody else uses them by now.
  // Processes that are just ending are waited for up to `limit`; others are an error.
  virtual void remove(std::chrono::milliseconds limit = std::chrono::seconds(2)) = 0;

 protected:
  // kill_all for hosts without cgroup.kill.
  void signal_each(int signal);
};

// session_bus: D-Bus address of the user's bus, for a plan with the user's systemd; "": the usual place.
[[nodiscard]] std::unique_ptr<Cgroup> open_cgroup(const CgroupPlan& plan, const std::string& session_bus = {});

// The plan with what is missing above the cgroup now (Place::first_missing): for create(), before anything is made.
[[nodiscard]] CgroupPlan with_missing_parents(CgroupPlan plan);

// After clone3(CLONE_INTO_CGROUP) or join_self(): the container has moved its processes into children of its cgroup
// (EBUSY), removed it (ENOENT, ENODEV) or made it threaded (EOPNOTSUPP).
[[nodiscard]] bool may_join_init_instead(int error_number);

}  // namespace agentsafe::cgroup
