// exec: one more process in a running container. The same image, channel and confinement as create (security.md rule
// 13), but namespaces are joined instead of made and nothing is mounted.
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "oci/annotations.h"
#include "oci/spec_json.h"
#include "oci/validate.h"
#include "runtime/base/error.h"
#include "runtime/base/scope.h"
#include "runtime/container/container.h"
#include "runtime/container/foreground.h"
#include "runtime/container/handover.h"
#include "runtime/container/init_image.h"
#include "runtime/plan/plan.h"
#include "runtime/policy/harden.h"
#include "runtime/security/capabilities.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"

namespace agentsafe::container {
namespace {

oci::Process process_from_file(const std::string& path) {
  const UniqueFd file = sys::maybe_openat(sys::at_cwd, path, O_RDONLY | O_NOCTTY);
  if (!file) fail_users_file("open the process file " + path);
  return in_context(path, [&] { return oci::read_process(sys::read_all(file)); });
}

void add_capabilities(oci::Process& process, const std::vector<std::string>& names) {
  if (names.empty()) return;
  if (!process.capabilities) process.capabilities.emplace();
  auto& sets = *process.capabilities;
  for (const auto& name : names)
    for (auto* set : {&sets.bounding, &sets.effective, &sets.permitted})  // not inheritable: CVE-2022-29162
      set->push_back(name);
}

// The container's own process with what the command line changes.
oci::Process process_from_flags(const oci::Spec& spec, const ExecRequest& request) {
  oci::Process process = *spec.process;
  process.args = request.args;
  process.terminal = request.tty;
  if (request.cwd) process.cwd = *request.cwd;
  if (request.uid) process.user.uid = *request.uid;
  if (request.gid) process.user.gid = *request.gid;
  auto& gids = process.user.additionalGids;
  gids.insert(gids.end(), request.additional_gids.begin(), request.additional_gids.end());
  process.env.insert(process.env.end(), request.env.begin(), request.env.end());
  return process;
}

oci::Process wanted_process(const oci::Spec& spec, const ExecRequest& request) {
  oci::Process process = request.process_file.empty() ? process_from_flags(spec, request)
                                                      : process_from_file(request.process_file);
  if (!request.apparmor.empty()) process.apparmorProfile = request.apparmor;
  if (!request.process_label.empty()) process.selinuxLabel = request.process_label;
  process.noNewPrivileges = process.noNewPrivileges || request.no_new_privs;
  process.terminal = process.terminal || request.tty;
  if (!process.execCPUAffinity) process.execCPUAffinity = spec.process->execCPUAffinity;
  add_capabilities(process, request.caps);
  const auto violations = oci::validate_process(process);
  if (!violations.empty()) fail(oci::describe(violations, request.process_file.empty() ? "exec" : request.process_file));
  return process;
}

// The namespaces of the container that are not the host's. Joining the user namespace that we are in is refused by
// the kernel, so that one is compared.
std::uint64_t namespaces_to_join(const oci::Spec& spec, pid_t init, bool restored) {
  std::uint64_t flags = restored && sys::try_fstatat(sys::at_cwd, "/proc/self/ns/time") ? CLONE_NEWTIME : 0;
  if (!spec.linux) return flags;
  for (const auto& ns : spec.linux->namespaces) flags |= namespaces::flag_of(ns.type);
  if ((flags & CLONE_NEWUSER) != 0) {
    const auto ours = sys::try_fstatat(sys::at_cwd, "/proc/self/ns/user", 0);
    const auto theirs = sys::try_fstatat(sys::at_cwd, "/proc/" + std::to_string(init) + "/ns/user", 0);
    if (ours && theirs && ours->st_ino == theirs->st_ino) flags &= ~std::uint64_t{CLONE_NEWUSER};
  }
  return flags;
}

// The policy's user namespace is entered last, as at create. The pidfd tells whether the path was still the init's.
UniqueFd user_namespace_of(const Record& record, FdRef init) {
  if (!record.firstId) return {};
  UniqueFd fd = sys::openat(sys::at_cwd, "/proc/" + std::to_string(record.pid) + "/ns/user", O_RDONLY);
  if (!sys::pidfd_send_signal(init, 0)) fail("cannot exec in a stopped container");
  return fd;
}

// In the host's mount namespace a container is what lies below its init's root.
UniqueFd root_of(const Record& record, FdRef init) {
  if (!record.hostsMounts) return {};
  UniqueFd fd = sys::openat(sys::at_cwd, "/proc/" + std::to_string(record.pid) + "/root", O_PATH | O_DIRECTORY);
  if (!sys::pidfd_send_signal(init, 0)) fail("cannot exec in a stopped container");
  return fd;
}

// Asked for by hand, unlike what engines send with every exec: refused, not narrowed.
void refuse_more_capabilities(const std::vector<std::string>& names, const security::Confinement& of_container) {
  for (const auto& name : names) {
    std::vector<std::string> unknown;
    const auto mask = security::capability_mask({name}, unknown);
    if (!unknown.empty()) fail("exec --cap " + name + ": " + unknown.front());
    if ((mask & ~of_container.capabilities.bounding) != 0)
      fail("exec --cap " + name + ": the container's bounding set does not hold it, and an exec cannot add to it");
  }
}

struct Joining {
  plan::InitPlan init;
  std::optional<std::int32_t> oom_score_adj;
  namespaces::IdMaps id_maps;
};

Joining plan_joining(const Container& container, const oci::Spec& spec, const oci::Process& process,
                     const ExecRequest& request, FdRef init, const std::string& seccomp_cache,
                     const std::string& profile, Log& log) {
  const oci::Linux no_linux;
  const auto& linux = spec.linux ? *spec.linux : no_linux;
  Joining joining;
  auto& plan = joining.init;
  plan.mode = plan::Mode::exec;
  plan.namespaces.join_pidfd = init.get();
  plan.namespaces.join_pidfd_flags = namespaces_to_join(spec, container.record.pid, container.record.restored);
  plan.namespaces.rootless = container.record.rootless;
  plan::plan_environment(plan, process, request.listen_fds, request.preserve_fds);
  plan::plan_terminal(plan, process);
  plan::plan_affinity(plan, process);
  std::vector<std::string> warnings;
  const security::ConfinementOptions options{.id = container.record.id, .new_keyring = true,
                                             .may_set_groups = plan::may_set_groups(container.record.rootless),
                                             .keep_groups = oci::annotation::is_on(spec, oci::annotation::keep_original_groups),
                                             .fail_unknown_syscall = oci::annotation::is_on(spec, oci::annotation::fail_unknown_syscall),
                                             .raw_filter = oci::annotation::filter(spec),
                                             .seccomp_cache = seccomp_cache,
                                             .stacked_seccomp = seccomp_of(profile)};
  security::ConfinementOptions without_filter{.id = options.id, .new_keyring = true, .may_set_groups = options.may_set_groups, .keep_groups = options.keep_groups};
  oci::Linux linux_without_filter = linux;  // compiled once, for the request
  linux_without_filter.seccomp.reset();
  const auto of_container = security::plan_confinement(*spec.process, linux_without_filter, without_filter, warnings);
  warnings.clear();  // create has given these
  refuse_more_capabilities(request.caps, of_container);
  plan.confinement = security::narrow(security::plan_confinement(process, linux, options, warnings), of_container);
  for (const auto& warning : warnings) log.warning(warning);
  (container.record.rootless ? plan.own_oom_score_adj : joining.oom_score_adj) = process.oomScoreAdj;
  return joining;
}

void check_terminal(const oci::Process& process, const ExecRequest& request) {
  const bool socket = !request.console_socket.empty();
  if (request.detach && process.terminal && !socket)
    fail("cannot allocate tty if runc will detach without setting console socket");
  if (socket && !(request.detach && process.terminal))
    fail("cannot use console socket if runc will not detach or allocate tty");
}

uid_t host_uid(const oci::Process& process, const oci::Spec& spec, const Record& record) {
  if (record.firstId) return *record.firstId + process.user.uid;
  if (!spec.linux) return process.user.uid;
  return namespaces::host_id(spec.linux->uidMappings, process.user.uid, "process.user.uid");
}

// Born in the container's cgroup. A cgroup that cannot take processes any more, because its container runs an engine
// or an init system that made children, means the one its init has moved to.
Launched launch_in_cgroup(Container& container, plan::InitPlan& plan, const ExecRequest& request,
                          LaunchSetting setting) {
  const auto launch_in = [&](const cgroup::Join& join) {
    plan.cgroup_join_files = join.files;
    setting.cgroup_fd = join.directory.get();
    return launch(plan, setting);
  };
  try {
    return launch_in(container.cgroup->join_below(request.cgroups));
  } catch (const Error& error) {
    // A rootless runtime may not move processes between cgroups that it does not own: it stays in its own.
    const bool refused = error.error_number() == EACCES || error.error_number() == EPERM;
    if (container.record.rootless && refused && request.cgroups.empty()) {
      // unless systemd moves it
      if (container.record.cgroup.systemd) setting.attach = [&](pid_t pid) { container.cgroup->add(pid); };
      return launch_in({});
    }
    if (!request.cgroups.empty() || !cgroup::may_join_init_instead(error.error_number())) throw;
  }
  return launch_in(container.cgroup->join_of(container.record.pid));
}

}  // namespace

int exec(Runtime& runtime, const ExecRequest& request) {
  process::Ahead ahead(init_image());
  Container container = open_container(runtime, request.id);
  const Status status = container.status();
  if (!(status == Status::paused && request.ignore_paused)) container.require(Operation::exec);
  if (!request.ignore_paused && container.cgroup->held())
    fail("cannot exec in a container that a frozen cgroup above its own holds (use --ignore-paused to override)");
  const UniqueFd init = container.init();
  if (!init) fail("cannot exec in a stopped container");
  oci::Spec spec = container.dir.load_config();
  oci::annotation::settle_receiver(spec, runtime.seccomp_receiver);
  oci::Process process = wanted_process(spec, request);
  const policy::Policy policy = policy_of(container.record);
  if (policy != policy::Policy{}) {
    const auto around = policy::look_around();
    process = policy::harden_process(process, policy, around);
    spec.process = policy::harden_process(*spec.process, policy, around);
    policy::own_cgroup_namespace(spec, policy);  // the state keeps config.json as it was
  }
  check_terminal(process, request);
  Joining joining = plan_joining(container, spec, process, request, init, runtime.root + "/.agentsafe-seccomp",
                                 policy.seccomp, *runtime.log);

  const UniqueFd user_namespace = user_namespace_of(container.record, init);
  joining.init.debug = runtime.log->debugs();
  LaunchSetting setting;
  setting.ahead = &ahead;
  setting.log = runtime.log;
  setting.inherit.push_back(init.get());
  if (user_namespace) {
    joining.init.user_namespace = user_namespace.get();
    joining.init.root_id = *container.record.firstId;
    setting.inherit.push_back(user_namespace.get());
  }
  const UniqueFd root = root_of(container.record, init);
  if (root) {
    joining.init.root_dir = root.get();
    setting.inherit.push_back(root.get());
  }
  for (unsigned fd = 3; fd < joining.init.keep_fds; ++fd) setting.inherit.push_back(static_cast<int>(fd));
  std::optional<Foreground> foreground;
  if (!request.detach) {
    foreground.emplace();
    size_like_callers(joining.init.console_height, joining.init.console_width);
  }
  if (!process.terminal) give_stdio_to(host_uid(process, spec, container.record));
  if (process.execCPUAffinity && !process.execCPUAffinity->initial.empty())  // inherited by what we start
    sys::set_affinity(plan::cpu_mask(process.execCPUAffinity->initial));
  Launched launched = in_context(not_started, [&] { return launch_in_cgroup(container, joining.init, request, setting); });
  OnExit end_process([&] { abandon(launched.init); });
  Handover handover{.confinement = joining.init.confinement,
                    .oom_score_adj = joining.oom_score_adj,
                    .console_socket = request.console_socket,
                    .pidfd_socket = request.pidfd_socket,
                    .pidfd_name = "setns",
                    .seccomp = spec.linux && spec.linux->seccomp ? &*spec.linux->seccomp : nullptr,
                    .state = oci_state(container.record, status)};
  UniqueFd console = in_context(not_started, [&] {
    UniqueFd master = hand_over(launched, handover, [] {});
    await_execution(launched);
    return master;
  });
  write_pid_file(request.pid_file, launched.init.pid);
  end_process.keep();
  for (const auto& warning : launched.channel.take_warnings()) runtime.log->warning(warning);
  if (request.detach) return 0;
  return foreground->wait(launched.init.pidfd, launched.init.pid, std::move(console));
}

}  // namespace agentsafe::container
