#include <linux/mount.h>
#include <sys/mount.h>

#include <algorithm>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/mount/options.h"

namespace agentsafe::mount {
namespace {

constexpr std::size_t longest_fsconfig_value = 255;  // fsconfig(2) takes no more

// Contract §4.11: what may be bound over a file of procfs (lxcfs and engines do); all else under /proc is refused.
constexpr std::string_view proc_files[] = {
    "/proc/cpuinfo",
    "/proc/diskstats",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/swaps",
    "/proc/uptime",
    "/proc/loadavg",
    "/proc/slabinfo",
    "/proc/sys/kernel/ns_last_pid",
    "/proc/sys/crypto/fips_enabled",
};

// File systems without a disk: read-only is a matter of the mount alone, and their superblock may be shared.
constexpr std::string_view virtual_types[] = {"proc",   "sysfs",  "tmpfs",   "devpts",
                                              "mqueue", "cgroup", "cgroup2", "overlay"};
// Their nodes have labels of their own.
constexpr std::string_view unlabelled_types[] = {"proc", "sysfs", "mqueue", "cgroup", "cgroup2"};

template <std::size_t N>
bool contains(const std::string_view (&list)[N], std::string_view word) {
  return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

struct Context {  // what the steps have in common
  const oci::Linux& linux;
  const std::string& context_type;
  bool in_user_namespace;
  std::vector<std::string>& warnings;

  [[nodiscard]] const oci::Namespace* find(std::string_view type) const {
    for (const auto& ns : linux.namespaces)
      if (ns.type == type) return &ns;
    return nullptr;
  }
  [[nodiscard]] bool creates(std::string_view type) const {
    const auto* ns = find(type);
    return ns != nullptr && ns->path.empty();
  }
};

// "a=1,b" as mount(8) would write it is two options; a comma inside quotes (SELinux categories) is not one.
void add_data(MountStep& step, std::string_view word) {
  while (!word.empty()) {
    std::size_t end = 0;
    for (bool quoted = false; end < word.size() && (quoted || word[end] != ','); ++end)
      if (word[end] == '"') quoted = !quoted;
    const auto option = word.substr(0, end);
    word.remove_prefix(std::min(end + 1, word.size()));
    if (option.empty()) continue;
    const auto equals = option.find('=');
    auto value = equals == std::string_view::npos ? std::string_view() : option.substr(equals + 1);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
    if (value.size() > longest_fsconfig_value) step.old_api = true;
    step.options.emplace_back(option.substr(0, equals), value);
  }
}

void decide_kind(MountStep& step) {
  if (step.kind != StepKind::filesystem) return;
  const bool typeless = step.type.empty() || step.type == "none";
  if (step.type == "bind") step.kind = StepKind::bind;
  if (step.type == "cgroup" || step.type == "cgroup2") step.kind = StepKind::cgroup;
  if (typeless && !step.propagation.empty()) step.kind = StepKind::propagation;
  if (typeless && step.propagation.empty()) fail("a mount needs a type, or the option bind or rbind");
}

void refuse_over_proc(MountStep& step) {
  const auto& path = step.destination;
  step.covers_proc_file = contains(proc_files, path) && step.kind == StepKind::bind;
  if (path != "/proc" && !path.starts_with("/proc/")) return;
  const bool is_proc_itself = path == "/proc" && (step.type == "proc" || step.kind != StepKind::filesystem);
  if (is_proc_itself && step.kind != StepKind::cgroup) return;  // a bind is checked by its file system when it is made
  if (!step.covers_proc_file) fail("it cannot be mounted because it is inside /proc");
}

void plan_idmap(MountStep& step, const oci::Mount& mount, const Context& context) {
  if (!mount.uidMappings.empty() || !mount.gidMappings.empty()) {
    step.idmapped = true;
    step.uid_map = mount.uidMappings;
    step.gid_map = mount.gidMappings;
  }
  if (!step.idmapped) return;
  if (step.kind != StepKind::bind) fail("only bind mounts can be idmapped");
  if (!step.uid_map.empty() || !step.gid_map.empty()) return;
  step.uid_map = context.linux.uidMappings;  // implied: the container's own
  step.gid_map = context.linux.gidMappings;
  const auto* user = context.find("user");
  if (step.uid_map.empty() && user != nullptr) step.idmap_namespace = user->path;
}

// A gid that the user namespace does not map cannot own a terminal there: the kernel refuses the whole mount.
void leave_out_unmapped_gid(MountStep& step, const Context& context) {
  if (step.type != "devpts" || !context.creates("user") || context.linux.gidMappings.empty()) return;
  const auto unmapped = [&](const Option& option) {
    const auto gid = option.first == "gid" ? text::parse<std::uint32_t>(option.second) : std::nullopt;
    return gid &&
           std::none_of(context.linux.gidMappings.begin(), context.linux.gidMappings.end(),
                        [&](const auto& row) { return *gid >= row.containerID && *gid - row.containerID < row.size; });
  };
  if (std::erase_if(step.options, unmapped) > 0)
    context.warnings.push_back("mount " + step.destination + ": gid= is left out: linux.gidMappings does not map it");
}

void plan_filesystem(MountStep& step, const Context& context) {
  const bool readonly = (step.attributes.set & MOUNT_ATTR_RDONLY) != 0;
  if (readonly && !contains(virtual_types, step.type)) step.superblock_flags.emplace_back("ro");
  for (const auto& flag : step.superblock_flags) step.old_api = step.old_api || flag == "iversion";
  std::erase(step.superblock_flags, "noiversion");
  step.readonly_late = readonly && (step.type == "tmpfs" || step.destination == "/dev");
  if (step.readonly_late) step.attributes.set &= ~std::uint64_t{MOUNT_ATTR_RDONLY};
  if (!context.linux.mountLabel.empty() && !contains(unlabelled_types, step.type))
    step.options.emplace_back(context.context_type, context.linux.mountLabel);
  leave_out_unmapped_gid(step, context);
  if (!context.in_user_namespace) return;
  if (step.type == "sysfs" && !context.creates("network")) step.fallback_source = "/sys";
  if (step.type == "proc" && context.find("pid") == nullptr) step.fallback_source = "/proc";
  if (step.type == "mqueue" && context.find("ipc") == nullptr) step.fallback_source = "/dev/mqueue";
}

void plan_bind(MountStep& step, const Context& context) {
  // "rw" alone asks for nothing: it must not make writable what the host has mounted read-only
  step.attributes.clear &= ~std::uint64_t{MOUNT_ATTR_RDONLY};
  if (step.source.empty()) fail("a bind mount needs a source");
  // Without a word a bind is private. In a user namespace nothing flows back to the host (MS_SLAVE first).
  const bool shared = std::any_of(step.propagation.begin(), step.propagation.end(),
                                  [](auto flags) { return (flags & MS_SHARED) != 0; });
  if (step.propagation.empty()) step.propagation = {MS_PRIVATE | MS_REC};
  if (shared && context.in_user_namespace) step.propagation.insert(step.propagation.begin(), MS_SLAVE | MS_REC);
}

MountStep plan_step(const oci::Mount& mount, const Context& context) {
  MountStep step;
  step.destination = text::clean_path("/" + mount.destination);
  step.source = mount.source;
  step.type = mount.type;
  for (const auto& word : mount.options)
    if (!apply_option(word, step, {context.linux.uidMappings, context.linux.gidMappings})) add_data(step, word);
  decide_kind(step);
  if (step.destination == "/" && step.kind != StepKind::remount && step.kind != StepKind::propagation)
    fail("the container's root cannot be mounted over: set root.path");
  plan_idmap(step, mount, context);
  if (step.kind == StepKind::filesystem) plan_filesystem(step, context);
  if (step.kind == StepKind::bind) plan_bind(step, context);
  refuse_over_proc(step);
  if (!mount.destination.starts_with('/'))
    context.warnings.push_back("mount destination \"" + text::escaped(mount.destination) +
                               "\" is not absolute: taken from \"/\"");
  return step;
}

std::vector<std::string> unique_paths(const std::vector<std::string>& paths) {
  std::vector<std::string> unique;
  for (const auto& path : paths) {
    std::string clean = text::clean_path(path);
    if (std::find(unique.begin(), unique.end(), clean) == unique.end()) unique.push_back(std::move(clean));
  }
  return unique;
}

// config-linux.md#configLinuxRootfsMountPropagation. Of the host's tree first, so that nothing flows back to it; shared
// and unbindable of the container's root come last, since such a root could not be bound or pivoted to.
void plan_propagation(RootfsPlan& plan, const std::string& word) {
  const auto flags = propagation_of(word) & ~std::uint64_t{MS_REC};
  plan.propagation = flags != 0 ? flags : std::uint64_t{MS_SLAVE};
  if (flags == MS_UNBINDABLE) plan.propagation = MS_PRIVATE;
  if (flags == MS_SHARED || flags == MS_UNBINDABLE) plan.final_propagation = flags;
}

// For a systemd too old for version 2: of version 1 its own hierarchy, which has no controllers. Only in a cgroup
// namespace: elsewhere it would be all of the host's, or a new one.
void plan_systemd_v1(std::vector<MountStep>& mounts, const Facts& facts, const Context& context) {
  if (facts.systemd_v1_path.empty()) return;
  const auto step = std::find_if(mounts.begin(), mounts.end(), [&](const auto& mount) {
    return mount.kind == StepKind::cgroup && mount.destination == facts.systemd_v1_path;
  });
  const std::string name = "annotation run.oci.systemd.force_cgroup_v1: ";
  if (step == mounts.end()) {
    context.warnings.push_back(name + "mounts has no cgroup at " + text::escaped(facts.systemd_v1_path));
    return;
  }
  if (context.find("cgroup") == nullptr) fail(name + "linux.namespaces must have a cgroup namespace");
  constexpr std::uint64_t always = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  const bool readonly = ((step->attributes.set | step->recursive_attributes.set) & MOUNT_ATTR_RDONLY) != 0;
  MountStep hierarchy;
  hierarchy.type = hierarchy.source = "cgroup";
  hierarchy.destination = step->destination + "/systemd";
  hierarchy.options = {{"none", ""}, {"name", "systemd"}, {"xattr", ""}};
  hierarchy.attributes.set = always | (readonly ? MOUNT_ATTR_RDONLY : 0U);
  MountStep base;
  base.type = base.source = "tmpfs";
  base.destination = step->destination;
  base.options = {{"mode", "755"}};
  base.attributes.set = always;
  base.readonly_late = readonly;
  base.propagation = step->propagation;
  *step = std::move(base);
  mounts.insert(step + 1, std::move(hierarchy));
}

}  // namespace

RootfsPlan plan_rootfs(const oci::Spec& spec, const Facts& facts, std::vector<std::string>& warnings) {
  const oci::Linux none;
  const auto& linux = spec.linux ? *spec.linux : none;
  const bool has_user_namespace =
      facts.new_user_namespace || Context{linux, facts.context_type, false, warnings}.find("user") != nullptr;
  const Context context{linux, facts.context_type, has_user_namespace || !facts.privileged, warnings};
  if (context.find("mount") == nullptr && !facts.hosts_mounts)
    fail("linux.namespaces has no mount namespace: the container's mounts would be made on the host");
  RootfsPlan plan;
  plan.path = spec.root->path;
  plan.readonly = spec.root->readonly;
  plan.no_pivot = facts.no_pivot;
  plan.hosts_mounts = facts.hosts_mounts;
  plan.label = linux.mountLabel;
  plan.binds_on_host = has_user_namespace && facts.privileged;
  plan_propagation(plan, linux.rootfsPropagation);
  for (const auto& mount : spec.mounts) {
    MountStep step = in_context("mount " + text::escaped(mount.destination), [&] { return plan_step(mount, context); });
    if (step.idmapped && !facts.privileged)
      fail("mount " + step.destination + ": an idmapped mount needs the privileges of the host's root");
    if (step.kind == StepKind::bind && step.destination == "/dev") plan.sets_up_dev = false;
    plan.mounts.push_back(std::move(step));
  }
  plan_systemd_v1(plan.mounts, facts, context);
  plan_cgroups(plan, facts, context.find("cgroup") != nullptr);
  plan.binds_devices = context.in_user_namespace;
  if (plan.sets_up_dev) plan.devices = plan_devices(linux);
  plan.masked_paths = unique_paths(linux.maskedPaths);
  plan.readonly_paths = unique_paths(linux.readonlyPaths);
  return plan;
}

}  // namespace agentsafe::mount
