// What the init image is told: the part of the Plan that is carried out inside the container, as plain values. It
// crosses as bytes (wire.h) in a memfd; descriptors in it are numbers that the image inherits.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "runtime/base/wire.h"
#include "runtime/mount/rootfs_plan.h"
#include "runtime/namespaces/namespaces.h"
#include "runtime/process/hooks.h"
#include "runtime/security/confinement.h"

namespace agentsafe::plan {

enum class Mode : std::uint8_t {
  create,  // build the container, then wait at the exec fifo
  run,     // build the container and go on
  exec,    // join a container
};

struct InitPlan {
  Mode mode = Mode::create;
  bool debug = false;                              // tell each step
  namespaces::NamespacePlan namespaces;
  std::vector<std::string> cgroup_join_files;      // cgroup v1: "tasks" files
  std::optional<mount::RootfsPlan> rootfs;         // absent in exec
  std::vector<std::pair<std::string, std::string>> sysctls;
  security::Confinement confinement;
  // A cpu mask as sched_setaffinity(2) takes it. Empty: all CPUs that the cgroup allows, whatever our caller was pinned to.
  std::string cpu_affinity;
  std::optional<std::int32_t> own_oom_score_adj;   // only when the parent has no privilege to write it

  bool terminal = false;
  std::uint16_t console_height = 0;
  std::uint16_t console_width = 0;

  std::vector<std::string> args;
  std::vector<std::string> env;
  std::string cwd;
  bool make_cwd = false;                           // create and run: mkdir -p, as runc does
  bool needs_home = false;                         // HOME is unset: take it from the container's /etc/passwd
  bool sets_listen_pid = false;                    // LISTEN_FDS are passed: LISTEN_PID is the process's own pid
  std::uint32_t keep_fds = 3;                      // 0 … keep_fds-1 survive into the user's program
  std::int32_t exec_fifo = -1;                     // O_PATH descriptor; create only

  // The policy's user namespace: entered last, so that all others belong to the host's and nothing inside owns them.
  // A descriptor; -1: none. Until then files are made as root_id, the container's root on the host.
  std::int32_t user_namespace = -1;
  std::uint32_t root_id = 0;

  std::int32_t root_dir = -1;                      // exec in the host's mount namespace: the container's root

  bool waits_when_mounted = false;                 // the parent runs prestart or createRuntime hooks
  std::vector<process::HookPlan> create_container_hooks;
  std::vector<process::HookPlan> start_container_hooks;
  process::HookState creating_state;               // for createContainer
  process::HookState created_state;                // for startContainer
};

}  // namespace agentsafe::plan

namespace agentsafe::wire {
template <>
inline constexpr auto members<plan::InitPlan> = std::tuple{
    &plan::InitPlan::mode,
    &plan::InitPlan::debug,
    &plan::InitPlan::namespaces,
    &plan::InitPlan::cgroup_join_files,
    &plan::InitPlan::rootfs,
    &plan::InitPlan::sysctls,
    &plan::InitPlan::confinement,
    &plan::InitPlan::cpu_affinity,
    &plan::InitPlan::own_oom_score_adj,
    &plan::InitPlan::terminal,
    &plan::InitPlan::console_height,
    &plan::InitPlan::console_width,
    &plan::InitPlan::args,
    &plan::InitPlan::env,
    &plan::InitPlan::cwd,
    &plan::InitPlan::make_cwd,
    &plan::InitPlan::needs_home,
    &plan::InitPlan::sets_listen_pid,
    &plan::InitPlan::keep_fds,
    &plan::InitPlan::exec_fifo,
    &plan::InitPlan::user_namespace,
    &plan::InitPlan::root_dir,
    &plan::InitPlan::root_id,
    &plan::InitPlan::waits_when_mounted,
    &plan::InitPlan::create_container_hooks,
    &plan::InitPlan::start_container_hooks,
    &plan::InitPlan::creating_state,
    &plan::InitPlan::created_state};
}  // namespace agentsafe::wire
