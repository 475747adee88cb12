// The Plan: everything that create, run or exec will do, decided before anything is done. Made by pure functions from
// the Spec, the facts about the host and what the caller asked for; carried out by container/ (host side) and init/
// (inside). `agentsafe create --dry-run` prints it.
//
//   Plan plan = make_plan(spec, host, options);
//   std::string text = print(plan);
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "oci/spec.h"
#include "runtime/cgroup/plan.h"
#include "runtime/namespaces/id_map.h"
#include "runtime/net/egress_table.h"
#include "runtime/plan/host_facts.h"
#include "runtime/plan/init_plan.h"
#include "runtime/policy/egress.h"
#include "runtime/process/hooks.h"

namespace agentsafe::plan {

// What may leave the container's network namespace.
struct EgressPlan {
  policy::Egress rules;
  net::Surroundings around;
  std::string joined_path;  // of a namespace that is joined; empty: a new one
};

struct Options {
  Mode mode = Mode::create;
  std::string id;
  std::string bundle;             // absolute
  std::string state_dir;          // <root>/<id>
  bool no_pivot = false;
  bool hosts_mounts = false;      // the container has no mount namespace apart from the host's
  bool no_new_keyring = false;
  bool rootless = false;
  bool cgroup_disabled = false;
  bool systemd_cgroup = false;
  bool notify = false;            // NOTIFY_SOCKET: notify/ of the state dir is mounted at /run/notify
  std::string seccomp_cache;      // folder of compiled filters
  std::optional<security::SeccompProgram> stacked_seccomp;  // a filter besides the bundle's: security/profiles.h
  std::uint64_t scratch_size = 0;  // bytes of a layer over the root that takes every change; 0: none
  std::string scratch_dir;         // the layer is on disk, in a folder below this one; empty: in memory
  bool nosuid_root = false;
  bool nodev_root = false;
  std::optional<EgressPlan> egress;  // by the policy; joined_path is left to make_plan
  bool own_ids = false;              // the policy's user namespace: shift_ids() before the plan is carried out
  unsigned listen_fds = 0;
  unsigned preserve_fds = 0;
};

struct Plan {
  InitPlan init;
  cgroup::CgroupPlan cgroup;
  std::optional<oci::Resources> resources;
  namespaces::IdMaps id_maps;
  std::optional<std::int32_t> oom_score_adj;          // written by the parent
  std::optional<std::uint32_t> cgroup_owner;          // version 2: the host uid that may manage the container's cgroup
  bool own_ids = false;                               // as in the options
  std::uint32_t root_uid = 0;                         // host ids of the container's root
  std::uint32_t root_gid = 0;
  std::uint32_t user_uid = 0;                         // and of its process
  std::uint32_t user_gid = 0;
  std::string scratch_dir;                            // as in the options
  std::optional<EgressPlan> egress;
  std::vector<process::HookPlan> prestart;
  std::vector<process::HookPlan> create_runtime;
  std::vector<std::string> warnings;
};

// Throws Error for what cannot be done on this host; the spec must be valid (oci::validate).
[[nodiscard]] Plan make_plan(const oci::Spec& spec, const HostFacts& host, const Options& options);

// Of a plan with own_ids: its ids on the host begin with `first`.
void shift_ids(Plan& plan, std::uint32_t first);

// The environment as the process gets it: of several entries with one name the last stays, at the place of the first.
[[nodiscard]] std::vector<std::string> without_duplicates(const std::vector<std::string>& env);
// What process.env and the passed descriptors mean for an InitPlan; shared with exec.
void plan_environment(InitPlan& init, const oci::Process& process, unsigned listen_fds, unsigned preserve_fds);
void plan_terminal(InitPlan& init, const oci::Process& process);
// process.execCPUAffinity.final, for the init to set once in its cgroup.
void plan_affinity(InitPlan& init, const oci::Process& process);

// "0-3,7" as the bytes of a cpu_set_t; throws on anything else.
[[nodiscard]] std::string cpu_mask(const std::string& list);

// The plan as text, one fact a line, stable: golden tests compare it.
[[nodiscard]] std::string print(const Plan& plan);

}  // namespace agentsafe::plan
