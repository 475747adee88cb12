#include "runtime/container/container.h"

#include <fcntl.h>
#include <sys/mount.h>

#include <csignal>

#include "oci/state.h"
#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/cgroup/resctrl.h"
#include "runtime/container/egress.h"
#include "runtime/container/id_ranges.h"
#include "runtime/container/hook_output.h"
#include "runtime/container/scratch.h"
#include "runtime/mount/mount_table.h"
#include "runtime/policy/sources.h"
#include "runtime/process/hooks.h"
#include "runtime/security/profiles.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/mount.h"
#include "runtime/sys/process.h"

namespace agentsafe::container {
namespace {

void check_policy(const Runtime& runtime, const Record& record) {
  if (runtime.policy && *runtime.policy != record.policy)
    fail("container " + record.id + " was created with the policy '" + record.policy + "', not '" + *runtime.policy +
         "': leave --policy out, or create it anew");
}

Container from_dir(const Runtime& runtime, ContainerDir dir) {
  Record record = dir.load();
  check_policy(runtime, record);
  const bool is_of_another_boot = record.bootId != sys::boot_id();
  if (is_of_another_boot) record = as_seen_after_reboot(std::move(record));
  auto cgroup = cgroup::open_cgroup(record.cgroup, runtime.session_bus);
  return {std::move(dir), std::move(record), std::move(cgroup), is_of_another_boot};
}

std::string refusal(const Record& record, Status status, Operation operation) {
  const std::string is(name_of(status));
  switch (operation) {
    case Operation::start:
      if (status == Status::stopped) return "cannot start a container that has stopped";
      if (status == Status::creating) return "cannot start a container that is being created";
      return "cannot start an already running container";
    case Operation::exec:
      if (status == Status::paused)
        return "cannot exec in a paused container (use --ignore-paused to override)";
      return "cannot exec in a " + is + " container";
    case Operation::kill: return "container not running";
    case Operation::pause: return status == Status::paused ? "container is paused already" : "container not running";
    case Operation::resume: return "container not paused";
    case Operation::update: return "container not running";
    case Operation::checkpoint: return "container cannot be checkpointed in " + is + " state";
    case Operation::remove:
      return "cannot delete container " + record.id + " that is not stopped: " + is;
  }
  __builtin_unreachable();
}

}  // namespace

UniqueFd Container::init() const {
  if (record.pid <= 0) return {};
  // The pidfd first: from then on the pid cannot be reused unseen.
  UniqueFd pidfd = sys::try_pidfd_open(record.pid);
  if (!pidfd) return {};
  const auto stat = sys::process_stat(record.pid);
  const bool same = stat && stat->start_time == record.startTime && stat->state != 'Z' && stat->state != 'X' &&
                    sys::fstat(pidfd).st_ino == record.pidfdInode;
  return same ? std::move(pidfd) : UniqueFd();
}

Status Container::status() const {
  if (is_of_another_boot) return Status::stopped;
  if (record.pid <= 0) return dir.is_locked() ? Status::creating : Status::stopped;
  if (!init()) return Status::stopped;
  if (cgroup->frozen()) return Status::paused;
  return dir.has_fifo() ? Status::created : Status::running;
}

void Container::require(Operation operation) const {
  const Status now = status();
  if (!permits(now, operation)) fail(refusal(record, now, operation) += remark());
}

UniqueFd Container::running_init() const {
  UniqueFd pidfd = init();
  if (!pidfd) fail_not_running();
  return pidfd;
}

void Container::fail_not_running() const {
  const bool is_being_made = record.pid <= 0 && !is_of_another_boot;
  fail(std::string("container not running").append(is_being_made ? ": it is being created" : remark()));
}

std::string_view Container::remark() const {
  return is_of_another_boot ? ": it was made before this machine was started; delete it and create it anew" : "";
}

void remember_init(Record& record, FdRef pidfd) {
  const auto stat = sys::process_stat(record.pid);
  if (!stat) fail("the init has ended");
  record.startTime = stat->start_time;
  record.pidfdInode = sys::fstat(pidfd).st_ino;
}

policy::Policy policy_of(const Record& record) {
  if (record.effectivePolicy.empty()) return {};
  policy::Sources sources;
  return in_context("the policy in the state of container " + record.id,
                    [&] { return policy::read_changes(record.effectivePolicy, {}, sources, ""); });
}

std::optional<security::SeccompProgram> seccomp_of(const std::string& profile) {
  if (profile.empty() || profile == "none") return std::nullopt;
  const security::Profile* found = security::find_profile(profile);
  if (found == nullptr) fail("process.seccomp: there is no profile \"" + profile + "\"");
  return security::program_of(*found);
}

Container open_container(const Runtime& runtime, const std::string& id) {
  return from_dir(runtime, Store(runtime.root).open(id));
}

Container lock_container(const Runtime& runtime, const std::string& id) {
  ContainerDir dir = Store(runtime.root).open(id);
  dir.lock();
  return from_dir(runtime, std::move(dir));
}

oci::State oci_state(const Record& record, Status status) {
  oci::State state;
  state.ociVersion = record.ociVersion;
  state.id = record.id;
  state.status = name_of(status);
  state.pid = status == Status::stopped ? 0 : record.pid;
  state.bundle = record.bundle;
  state.annotations = record.annotations;
  return state;
}

void release_ids(const Container& container) {
  if (container.record.firstId) release_id_range(id_registry, *container.record.firstId, container.dir.path());
}

void release_scratch(const Container& container) {
  if (!container.record.scratch.empty()) release_scratch(container.record.scratch);
}

void release_unnamed(const ContainerDir& dir) {
  if (sys::effective_uid() != 0) return;  // others have none
  release_id_ranges_of(id_registry, dir.path());
  release_scratch_of(policy::read_operator({}).scratch_dir, dir.path());
}

HostsMounts hosts_mounts_at(const std::string& root) {
  const UniqueFd folder = sys::openat(sys::at_cwd, root, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  const UniqueFd mounts = sys::openat(sys::at_cwd, "/proc/self/ns/mnt", O_RDONLY);
  return {sys::fstat(mounts).st_ino, sys::mount_id(folder)};
}

std::optional<std::uint64_t> parent_of_mount(std::uint64_t id) {
  const std::string table = sys::read_file(sys::at_cwd, "/proc/self/mountinfo");
  for (const auto& line : mount::parse_mount_table(table))
    if (line.id == id) return line.parent;
  return std::nullopt;
}

// The one mount that the init made over its root, with all below it; never one that was made over that since.
void take_mounts_away(const Runtime& runtime, const Record& record) {
  if (!record.hostsMounts || !sys::try_fstatat(sys::at_cwd, record.rootfs)) return;
  const auto now = hosts_mounts_at(record.rootfs);
  const auto keep = [&](const char* why) { runtime.log->warning("the mounts over " + text::escaped(record.rootfs) + " stay: " + why); };
  if (now.inode != record.hostsMounts->inode) return keep("they lie in another mount namespace");
  if (now.below == record.hostsMounts->below) return;
  if (parent_of_mount(now.below) != record.hostsMounts->below) return keep("something is mounted over them; unmount that, then them");
  sys::umount(record.rootfs, MNT_DETACH | UMOUNT_NOFOLLOW);
}

void destroy(const Runtime& runtime, Container& container) {
  oci::Spec spec;
  try {
    spec = container.dir.load_config();
  } catch (const Error& error) {
    runtime.log->warning(std::string("the poststop hooks cannot be run: ") + error.what());
  }
  destroy(runtime, container, spec);
}

void destroy(const Runtime& runtime, Container& container, const oci::Spec& spec) {
  if (container.record.cgroupIsOurs || !container.cgroup->populated()) {
    if (!container.record.ownPidNamespace) container.cgroup->kill_all(SIGKILL);  // they outlive the init
    container.cgroup->remove();
  }
  take_mounts_away(runtime, container.record);
  if (container.record.intelRdt) cgroup::remove_resctrl_group(*container.record.intelRdt);
  if (container.record.sharedNetwork) leave_network(*container.record.sharedNetwork, container.dir.path());
  release_scratch(container);
  release_ids(container);
  if (container.is_of_another_boot) release_unnamed(container.dir);
  container.dir.remove();
  if (!spec.hooks || spec.hooks->poststop.empty()) return;
  auto poststop = process::plan_hooks(spec.hooks->poststop, container.record.bundle);
  HookOutput output;
  try {
    output = open_hook_output(spec);
  } catch (const Error& error) {
    runtime.log->warning(error.what());
  }
  output.redirect(poststop);
  const std::string state = oci::to_json(oci_state(container.record, Status::stopped));
  for (std::size_t i = 0; i < poststop.size(); ++i) {
    try {
      process::run_hook(poststop[i], state);
    } catch (const Error& error) {
      runtime.log->warning("error running poststop hook #" + std::to_string(i) + ": " + error.what());
    }
  }
}

}  // namespace agentsafe::container
