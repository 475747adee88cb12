#include "runtime/policy/harden.h"

#include "oci/annotations.h"
#include "runtime/base/text.h"
#include "runtime/policy/hardening.h"

namespace agentsafe::policy {
namespace {

// What "docker run --privileged" sends: every device, or CAP_SYS_ADMIN with nothing masked.
bool has_all_devices(const oci::Resources& resources) {
  bool all = false;
  for (const auto& rule : resources.devices) {
    const bool every = (rule.type.empty() || rule.type == "a") && !rule.major && !rule.minor;
    if (every) all = rule.allow && (rule.access.empty() || rule.access.find_first_not_of("rwm") == std::string::npos);
    if (!every && !rule.allow) all = false;
  }
  return all;
}

void refuse_privileged(Hardening& work) {
  if (work.policy.privileged) return;
  const auto& linux = work.linux();
  if (linux.resources && has_all_devices(*linux.resources))
    work.refuse("linux.resources.devices allows every device, as --privileged asks for: leave --privileged out");
  const auto& capabilities = work.process().capabilities;
  if (capabilities && contains(capabilities->bounding, "CAP_SYS_ADMIN") && linux.maskedPaths.empty())
    work.refuse("CAP_SYS_ADMIN with no linux.maskedPaths is a privileged container: leave --privileged out");
}

void refuse_host_namespaces(Hardening& work) {
  for (const auto* type : {"pid", "ipc", "uts", "network", "mount"}) {  // no key allows the last
    if (contains(work.policy.host_namespaces, type)) continue;
    const auto& all = work.linux().namespaces;
    const bool listed = std::any_of(all.begin(), all.end(), [&](const auto& ns) { return ns.type == type; });
    if (!listed || work.around.host_namespaces.contains(type))
      work.refuse(std::string("the container would share the host's ") + type + " namespace: give it one of its own");
  }
}

void need_cgroup_namespace(Hardening& work) {
  if (work.policy.privileged) return;
  if (work.around.host_namespaces.contains("cgroup"))
    return work.refuse("the container would share the host's cgroup namespace: leave its path out of linux.namespaces");
  if (own_cgroup_namespace(work.out.spec, work.policy)) work.change("linux.namespaces", "", "cgroup");
}

void refuse_engine_sockets(Hardening& work) {
  for (const auto& mount : work.around.sockets) {
    const std::string what = "mount " + text::escaped(mount.destination) + " leads to " + text::escaped(mount.socket);
    if (!mount.of_engine)
      work.out.notes.push_back(what + ", a socket of the host: whoever listens there hears the container");
    else if (!work.policy.engine_sockets)
      work.refuse(what + ", which commands the host: leave it out");
  }
}

// crun's annotations (oci/annotations.h) that reach for the host, or loosen what the bundle says.
void refuse_annotations(Hardening& work) {
  namespace annotation = oci::annotation;
  if (work.policy.privileged) return;
  const auto& spec = work.out.spec;
  const auto refuse = [&](std::string_view name) { work.refuse("annotation " + std::string(name) + ": leave it out"); };
  for (const auto name : {annotation::hooks_stdout, annotation::hooks_stderr, annotation::seccomp_receiver,
                          annotation::pidfd_receiver, annotation::seccomp_bpf_data, annotation::force_cgroup_v1})
    if (spec.annotations.contains(std::string(name))) refuse(name);
  if (annotation::is_on(spec, annotation::keep_original_groups)) refuse(annotation::keep_original_groups);
  const std::string context_type = annotation::text(spec, annotation::mount_context_type);
  if (!context_type.empty() && context_type != "context") refuse(annotation::mount_context_type);
}

constexpr Row rows[] = {
    {"privileged", "a privileged container can do whatever the host's root can", refuse_privileged},
    {"host_namespaces", "in the host's namespaces the host's processes, network and names can be reached",
     refuse_host_namespaces},
    {"privileged", "the host's cgroup paths tell about its other containers; engines omit this one on cgroup version 1",
     need_cgroup_namespace},
    {"privileged", "these files tell about the host, or change it", mask_kernel},
    {"privileged", "these annotations hand files, groups or processes of the host to the bundle's author",
     refuse_annotations},
    {"engine_sockets", "whoever can speak to an engine or the system bus can start what he likes on the host",
     refuse_engine_sockets},
    {"process.capabilities", "capabilities are the parts of root's power; engines always send their defaults",
     drop_capabilities},
    {"process.no_new_privileges", "setuid programs of the image must not give back what was taken",
     forbid_new_privileges},
    {"process.seccomp", "calls that programs rarely need are where the kernel's holes are found", filter_calls},
    {"process.env_deny", "a secret that is not there cannot leak", drop_environment},
    {"process.userns", "root inside should be nobody outside", own_ids},
    {"fs.rootfs", "what a run leaves behind in an image meets the next one", keep_image},
    {"fs.scratch", "a container that fills the disk stops the host", keep_scratch_bounded},
    {"fs.workspace.mode", "a writable folder of the host is the way out for files", refuse_workspace},
    {"process.no_new_privileges", "a setuid program in a volume is one too", ignore_setuid},
    {"privileged", "a device node that a volume or an image brings is a way to the host's devices", ignore_devices},
    {"fs.hidden", "what is not seen cannot leak", hide_paths},
    {"fs.readonly", "what others rely on must not change under them", protect_paths},
    {"limits.memory", "a leak must end the container, not the host's other programs", limit_memory},
    {"limits.swap", "a container that swaps slows the whole host down", limit_swap},
    {"limits.memory", "half a container after an out-of-memory kill hangs instead of failing", end_whole_container},
    {"limits.cpus", "an endless loop must leave time for others", limit_cpus},
    {"limits.pids", "a fork bomb must hit its own limit, not the host's", limit_pids},
    {"limits.open_files", "the table of open files is the kernel's memory", limit_open_files},
    {"limits.core", "a core dump writes memory, and so secrets, to a disk", limit_core},
    {"limits.shm", "/dev/shm is memory by another name", limit_shm},
};

}  // namespace

std::span<const Row> hardenings() { return rows; }

Hardened harden(const oci::Spec& spec, const Policy& policy, const Surroundings& around) {
  if (policy == Policy{}) {
    Hardened plain;
    plain.spec = spec;
    return plain;
  }
  Hardening work(spec, policy, around);
  for (const Row& row : rows) {
    work.row = &row;
    row.apply(work);
  }
  return std::move(work.out);
}

bool own_cgroup_namespace(oci::Spec& spec, const Policy& policy) {
  if (policy.privileged || !spec.linux) return false;
  auto& all = spec.linux->namespaces;
  if (std::any_of(all.begin(), all.end(), [](const auto& ns) { return ns.type == "cgroup"; })) return false;
  all.push_back({"cgroup", ""});
  return true;
}

oci::Process harden_process(const oci::Process& process, const Policy& policy, const Surroundings& around) {
  oci::Spec spec;
  spec.process = process;
  Hardening work(spec, policy, around);
  for (const auto apply : {drop_capabilities, forbid_new_privileges, drop_environment, limit_open_files, limit_core}) {
    work.row = rows;
    apply(work);
  }
  return std::move(*work.out.spec.process);
}

// Limits hang together (swap with memory, quota with period): what the change leaves out is as it is now.
oci::Resources harden_update(const oci::Resources& change, const oci::Resources& current, const Policy& policy,
                             const Surroundings& around) {
  oci::Spec spec;
  spec.process.emplace();
  auto& wanted = spec.linux.emplace().resources.emplace(change);
  if (wanted.memory && !wanted.memory->limit && current.memory) wanted.memory->limit = current.memory->limit;
  if (wanted.cpu && !wanted.cpu->quota && current.cpu) wanted.cpu->quota = current.cpu->quota;
  if (wanted.cpu && !wanted.cpu->period && current.cpu) wanted.cpu->period = current.cpu->period;
  Hardening work(spec, policy, around);
  work.row = rows;
  if (change.memory && (change.memory->limit || change.memory->swap)) limit_memory(work), limit_swap(work);
  if (change.cpu && (change.cpu->quota || change.cpu->period)) limit_cpus(work);
  if (change.pids && change.pids->limit) limit_pids(work);
  return std::move(*work.out.spec.linux->resources);
}

std::string describe(const std::vector<Refusal>& refusals, const std::string& policy_name) {
  std::string line = "policy " + text::escaped(policy_name) + " refuses this bundle: ";
  for (const auto& refusal : refusals) {
    if (&refusal != &refusals.front()) line += "; ";
    line += refusal.what + ", or let the operator's policy allow it (" + std::string(refusal.key) + ")";
  }
  return line;
}

}  // namespace agentsafe::policy
