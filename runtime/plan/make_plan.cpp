#include <linux/mount.h>
#include <sched.h>

#include <algorithm>

#include "oci/annotations.h"
#include "oci/state.h"
#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/cgroup/knobs.h"
#include "runtime/plan/plan.h"

namespace agentsafe::plan {
namespace {

constexpr const char* notify_directory = "/run/notify";

bool creates(const InitPlan& init, std::uint64_t flag) { return (init.namespaces.create & flag) != 0; }

// The state of hooks that run in the init: the pid is put in there. A member name in quotes cannot stand in a value.
process::HookState hook_state(const oci::Spec& spec, const Options& options, const char* status) {
  oci::State state;
  state.ociVersion = spec.ociVersion;
  state.id = options.id;
  state.status = status;
  state.pid = -1;
  state.bundle = options.bundle;
  state.annotations = spec.annotations;
  const std::string json = oci::to_json(state);
  const std::string_view marker = "\"pid\":-1";
  const auto at = json.find(marker);
  if (at == std::string::npos) fail("plan the hooks: the state has no pid");
  const auto number = at + marker.size() - 2;
  return {json.substr(0, number), json.substr(number + 2)};
}

void plan_container_hooks(Plan& plan, const oci::Spec& spec, const Options& options) {
  if (!spec.hooks) return;
  const auto& hooks = *spec.hooks;
  plan.prestart = process::plan_hooks(hooks.prestart, options.bundle);
  plan.create_runtime = process::plan_hooks(hooks.createRuntime, options.bundle);
  plan.init.waits_when_mounted = !plan.prestart.empty() || !plan.create_runtime.empty();
  plan.init.create_container_hooks = process::plan_hooks(hooks.createContainer, options.bundle);
  plan.init.start_container_hooks = process::plan_hooks(hooks.startContainer, "", plan.init.env);
  if (!plan.init.create_container_hooks.empty()) plan.init.creating_state = hook_state(spec, options, "creating");
  if (!plan.init.start_container_hooks.empty()) plan.init.created_state = hook_state(spec, options, "created");
}

// sd_notify(3) for a container: its socket lies in our state and is shown inside at /run/notify.
void add_notify_socket(oci::Spec& spec, const Options& options) {
  oci::Mount mount;
  mount.destination = notify_directory;
  mount.source = options.state_dir + "/notify";
  mount.type = "bind";
  mount.options = {"bind", "ro", "nosuid", "nodev", "noexec"};
  spec.mounts.push_back(std::move(mount));
  spec.process->env.push_back(std::string("NOTIFY_SOCKET=") + notify_directory + "/notify.sock");
}

mount::Facts mount_facts(const oci::Spec& spec, const Plan& plan, const HostFacts& host, const Options& options) {
  mount::Facts facts;
  if (auto word = oci::annotation::text(spec, oci::annotation::mount_context_type); !word.empty())
    facts.context_type = std::move(word);
  if (const auto path = oci::annotation::text(spec, oci::annotation::force_cgroup_v1); !path.empty())
    facts.systemd_v1_path = text::clean_path(path);
  facts.no_pivot = options.no_pivot;
  facts.hosts_mounts = options.hosts_mounts;
  facts.privileged = host.privileged();
  facts.new_user_namespace = creates(plan.init, CLONE_NEWUSER);
  facts.new_cgroup_namespace = creates(plan.init, CLONE_NEWCGROUP);
  facts.cgroups = plan.cgroup;
  return facts;
}

void plan_ids(Plan& plan, const oci::Process& process, const oci::Linux& linux) {
  plan.id_maps = {linux.uidMappings, linux.gidMappings};
  if (plan.id_maps.empty()) {
    plan.user_uid = process.user.uid;
    plan.user_gid = process.user.gid;
    return;
  }
  plan.root_uid = namespaces::host_id(plan.id_maps.uids, 0, "container uid");
  plan.root_gid = namespaces::host_id(plan.id_maps.gids, 0, "container gid");
  plan.user_uid = namespaces::host_id(plan.id_maps.uids, process.user.uid, "process.user.uid");
  plan.user_gid = namespaces::host_id(plan.id_maps.gids, process.user.gid, "process.user.gid");
}

// config-linux.md#cgroup-ownership. An unprivileged runtime owns what it makes, and can give it to nobody else.
std::optional<std::uint32_t> plan_cgroup_owner(const Plan& plan, const HostFacts& host) {
  const bool version2 = plan.cgroup.unified && plan.cgroup.v1.empty();
  if (!version2 || !host.privileged() || !creates(plan.init, CLONE_NEWCGROUP)) return std::nullopt;
  const auto& mounts = plan.init.rootfs->mounts;
  const bool writable = std::any_of(mounts.begin(), mounts.end(), [](const mount::MountStep& step) {
    return step.kind == mount::StepKind::cgroup && step.destination == "/sys/fs/cgroup" &&
           (step.attributes.set & MOUNT_ATTR_RDONLY) == 0;
  });
  if (!writable || (!plan.own_ids && plan.user_uid == host.euid)) return std::nullopt;
  return plan.user_uid;
}

// A process that could change the rules, or send past them, would make them worthless. With CAP_NET_RAW it could by
// sockets of AF_PACKET, for which there is a table of their own, and of AF_XDP, which only seccomp keeps from it.
void check_capabilities(const oci::Process& process, const Options& options) {
  if (!process.capabilities) return;
  const auto& bounding = process.capabilities->bounding;
  const auto has = [&](const char* name) { return std::find(bounding.begin(), bounding.end(), name) != bounding.end(); };
  if (has("CAP_NET_ADMIN"))
    fail("egress: with CAP_NET_ADMIN the container could change its packet filter; take the capability from it, or take a "
         "policy with egress.mode \"off\"");
  if (has("CAP_NET_RAW") && !options.stacked_seccomp)
    fail("egress: with CAP_NET_RAW and without a filter of system calls the container could send past its packet filter; "
         "name a profile in process.seccomp, take the capability from it, or take a policy with egress.mode \"off\"");
}

void plan_egress(Plan& plan, const oci::Process& process, const oci::Linux& linux, const Options& options) {
  if (!options.egress) return;
  const auto network = std::find_if(linux.namespaces.begin(), linux.namespaces.end(), [](const auto& n) { return n.type == "network"; });
  if (network == linux.namespaces.end())
    fail("egress: the container would use the host's network, whose traffic is not the container's to filter; give it a "
         "network namespace, or take a policy with egress.mode \"off\"");
  check_capabilities(process, options);
  plan.egress = options.egress;
  plan.egress->joined_path = network->path;
}

}  // namespace

std::vector<std::string> without_duplicates(const std::vector<std::string>& env) {
  std::vector<std::string> kept;
  for (const auto& entry : env) {
    const auto name = std::string_view(entry).substr(0, entry.find('=') + 1);
    const auto same = std::find_if(kept.begin(), kept.end(), [&](const auto& other) { return other.starts_with(name); });
    if (same == kept.end()) {
      kept.push_back(entry);
    } else {
      *same = entry;
    }
  }
  return kept;
}

void plan_environment(InitPlan& init, const oci::Process& process, unsigned listen_fds, unsigned preserve_fds) {
  init.args = process.args;
  init.cwd = process.cwd;
  init.env = without_duplicates(process.env);
  // an empty HOME counts as none
  const auto home = std::find_if(init.env.begin(), init.env.end(), [](const auto& e) { return e.starts_with("HOME="); });
  init.needs_home = home == init.env.end() || *home == "HOME=";
  if (home != init.env.end() && init.needs_home) init.env.erase(home);
  init.keep_fds = 3 + listen_fds + preserve_fds;
  init.sets_listen_pid = listen_fds > 0;
  if (listen_fds > 0) init.env.push_back("LISTEN_FDS=" + std::to_string(listen_fds));
}

void plan_terminal(InitPlan& init, const oci::Process& process) {
  init.terminal = process.terminal;
  if (!process.consoleSize) return;
  init.console_height = process.consoleSize->height;
  init.console_width = process.consoleSize->width;
}

std::string cpu_mask(const std::string& list) {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  for (const auto range : text::split(list, ',')) {
    const auto dash = range.find('-');
    const auto first = text::parse<std::size_t>(text::trim(range.substr(0, dash)));
    const auto last = dash == std::string_view::npos ? first : text::parse<std::size_t>(text::trim(range.substr(dash + 1)));
    if (!first || !last || *first > *last || *last >= CPU_SETSIZE)
      fail("process.execCPUAffinity: \"" + list + "\" is not a list of CPUs such as 0-3,7");
    for (std::size_t cpu = *first; cpu <= *last; ++cpu) CPU_SET(cpu, &mask);
  }
  return {reinterpret_cast<const char*>(&mask), sizeof mask};
}

void plan_affinity(InitPlan& init, const oci::Process& process) {
  if (process.execCPUAffinity && !process.execCPUAffinity->final_.empty())
    init.cpu_affinity = cpu_mask(process.execCPUAffinity->final_);
}

void shift_ids(Plan& plan, std::uint32_t first) {
  plan.init.root_id = plan.root_uid = plan.root_gid = first;
  plan.user_uid += first;
  plan.user_gid += first;
  if (plan.cgroup_owner) *plan.cgroup_owner += first;
  mount::shift_ids(*plan.init.rootfs, first);
}

Plan make_plan(const oci::Spec& original, const HostFacts& host, const Options& options) {
  Plan plan;
  oci::Spec spec = original;
  const oci::Linux no_linux;
  if (options.notify) add_notify_socket(spec, options);
  const oci::Linux& linux = spec.linux ? *spec.linux : no_linux;
  const oci::Process& process = *spec.process;

  plan.init.mode = options.mode;
  plan.init.namespaces = namespaces::plan_namespaces(linux, spec.hostname, spec.domainname, options.rootless);
  plan.cgroup = cgroup::plan_cgroup(linux.cgroupsPath, options.id, host.cgroups,
                                    {.disabled = options.cgroup_disabled,
                                     .rootless = options.rootless,
                                     .systemd = options.systemd_cgroup,
                                     .uid = host.user,
                                     .annotations = spec.annotations});
  plan.resources = linux.resources;
  if (plan.resources) plan.warnings = cgroup::ignored_resources(*plan.resources, plan.cgroup);
  plan_ids(plan, process, linux);
  plan.own_ids = options.own_ids;
  plan_environment(plan.init, process, options.listen_fds, options.preserve_fds);
  plan_terminal(plan.init, process);
  plan.init.make_cwd = true;
  plan.init.sysctls.assign(linux.sysctl.begin(), linux.sysctl.end());
  plan.init.rootfs = mount::plan_rootfs(spec, mount_facts(spec, plan, host, options), plan.warnings);
  plan.init.rootfs->scratch_size = options.scratch_size;
  plan.scratch_dir = options.scratch_dir;
  plan.init.rootfs->attributes = (options.nosuid_root ? std::uint64_t{MOUNT_ATTR_NOSUID} : 0) |
                                 (options.nodev_root ? std::uint64_t{MOUNT_ATTR_NODEV} : 0);
  plan.cgroup_owner = plan_cgroup_owner(plan, host);
  for (auto& step : plan.init.rootfs->mounts)  // config.md#mounts: relative sources of binds count from the bundle
    if (step.kind == mount::StepKind::bind && !step.source.starts_with('/')) step.source = options.bundle + "/" + step.source;
  if (options.notify) plan.init.rootfs->mounts.back().keeps_ids = true;  // ours; the socket in it takes everybody
  plan.init.confinement = security::plan_confinement(
      process, linux, {.id = options.id, .new_keyring = !options.no_new_keyring, .may_set_groups = host.may_set_groups,
                       .keep_groups = oci::annotation::is_on(spec, oci::annotation::keep_original_groups),
                       .fail_unknown_syscall = oci::annotation::is_on(spec, oci::annotation::fail_unknown_syscall),
                       .raw_filter = oci::annotation::filter(spec),
                       .seccomp_cache = options.seccomp_cache,
                       .stacked_seccomp = options.stacked_seccomp},
      plan.warnings);
  (host.privileged() ? plan.oom_score_adj : plan.init.own_oom_score_adj) = process.oomScoreAdj;
  plan_container_hooks(plan, spec, options);
  plan_egress(plan, process, linux, options);
  return plan;
}

}  // namespace agentsafe::plan
