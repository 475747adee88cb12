#include <linux/mount.h>
#include <sched.h>

#include "runtime/base/text.h"
#include "runtime/plan/plan.h"

namespace agentsafe::plan {
namespace {

std::string hex(std::uint64_t value) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  do text.insert(text.begin(), digits[value & 15]);
  while ((value >>= 4) != 0);
  return "0x" + text;
}

class Printer {
 public:
  void line(std::string_view name, std::string_view value) {
    text_.append(name).append(": ").append(text::escaped(value)).append("\n");
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

const char* name_of(Mode mode) {
  switch (mode) {
    case Mode::create: return "create";
    case Mode::run: return "run";
    case Mode::exec: return "exec";
  }
  __builtin_unreachable();
}

const char* name_of(mount::StepKind kind) {
  switch (kind) {
    case mount::StepKind::filesystem: return "filesystem";
    case mount::StepKind::bind: return "bind";
    case mount::StepKind::remount: return "remount";
    case mount::StepKind::propagation: return "propagation";
    case mount::StepKind::cgroup: return "cgroup";
  }
  __builtin_unreachable();
}

void print_namespaces(Printer& out, const namespaces::NamespacePlan& plan) {
  for (const auto flag : {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS,
                          CLONE_NEWCGROUP, CLONE_NEWTIME})
    if ((plan.create & static_cast<std::uint64_t>(flag)) != 0)
      out.line("namespace", std::string("new ") + namespaces::type_of(static_cast<std::uint64_t>(flag)));
  if (!plan.time_offsets.empty()) out.line("time offsets", text::trim(plan.time_offsets));
  if (!plan.hostname.empty()) out.line("hostname", plan.hostname);
  if (!plan.domainname.empty()) out.line("domainname", plan.domainname);
}

void print_attributes(std::string& text, const char* name, const mount::Attributes& attributes) {
  if (attributes.set != 0) text += std::string(" ") + name + "+" + hex(attributes.set);
  if (attributes.clear != 0) text += std::string(" ") + name + "-" + hex(attributes.clear);
}

void print_mount(Printer& out, const mount::MountStep& step) {
  std::string text = std::string(name_of(step.kind)) + " " + step.destination;
  if (!step.type.empty()) text += " type=" + step.type;
  if (!step.source.empty()) text += " source=" + step.source;
  for (const auto& [key, value] : step.options) text += " " + key + (value.empty() ? "" : "=" + value);
  for (const auto& flag : step.superblock_flags) text += " superblock=" + flag;
  print_attributes(text, "attr", step.attributes);
  print_attributes(text, "rattr", step.recursive_attributes);
  for (const auto flags : step.propagation) text += " propagation=" + hex(flags);
  for (const auto& [set, word] : {std::pair{step.recursive, " recursive"}, {step.readonly_late, " late-readonly"},
                                  {step.copy_up, " copy-up"}, {step.idmapped, " idmapped"}})
    if (set) text += word;
  out.line("mount", text);
}

void print_rootfs(Printer& out, const mount::RootfsPlan& plan, const std::string& scratch_dir) {
  out.line("rootfs", plan.path + (plan.readonly ? " readonly" : "") + (plan.no_pivot ? " no-pivot" : "") +
                         (plan.hosts_mounts ? " hosts-mounts" : "") +
                         (plan.attributes != 0 ? " attr+" + hex(plan.attributes) : "") +
                         (plan.scratch_size != 0 ? " scratch=" + std::to_string(plan.scratch_size) : "") +
                         (scratch_dir.empty() ? "" : " below " + scratch_dir));
  for (const auto& step : plan.mounts) print_mount(out, step);
  for (const auto& device : plan.devices) out.line("device", device.path + " " + hex(device.device) + " mode=" + hex(device.mode));
  for (const auto& path : plan.readonly_paths) out.line("readonly", path);
  for (const auto& path : plan.masked_paths) out.line("masked", path);
}

void print_confinement(Printer& out, const security::Confinement& plan) {
  out.line("user", std::to_string(plan.uid) + ":" + std::to_string(plan.gid));
  const auto& sets = plan.capabilities;
  out.line("capabilities", "bounding=" + hex(sets.bounding) + " effective=" + hex(sets.effective) + " permitted=" +
                               hex(sets.permitted) + " inheritable=" + hex(sets.inheritable) + " ambient=" + hex(sets.ambient));
  out.line("no_new_privs", plan.no_new_privileges ? "yes" : "no");
  for (const auto& limit : plan.rlimits)
    out.line("rlimit", std::to_string(limit.resource) + " " + std::to_string(limit.soft) + ":" + std::to_string(limit.hard));
  for (const auto& program : plan.seccomp)
    out.line("seccomp", std::to_string(program.instructions.size() / 8) + " instructions");
}

void print_hooks(Printer& out, const char* kind, const std::vector<process::HookPlan>& hooks) {
  for (const auto& hook : hooks) out.line(kind, hook.path);
}

}  // namespace

std::string print(const Plan& plan) {
  Printer out;
  out.line("mode", name_of(plan.init.mode));
  print_namespaces(out, plan.init.namespaces);
  for (const auto& place : plan.cgroup.v1) out.line("cgroup", place.directory());
  if (plan.cgroup.unified) out.line("cgroup", plan.cgroup.unified->directory());
  if (plan.own_ids) out.line("user namespace", "64K host ids of its own");
  if (plan.cgroup_owner) out.line("cgroup owner", std::to_string(*plan.cgroup_owner));
  if (plan.init.rootfs) print_rootfs(out, *plan.init.rootfs, plan.scratch_dir);
  for (const auto& [name, value] : plan.init.sysctls) out.line("sysctl", name + "=" + value);
  print_confinement(out, plan.init.confinement);
  if (plan.egress) out.line("egress", policy::to_json(plan.egress->rules));
  print_hooks(out, "prestart", plan.prestart);
  print_hooks(out, "createRuntime", plan.create_runtime);
  print_hooks(out, "createContainer", plan.init.create_container_hooks);
  print_hooks(out, "startContainer", plan.init.start_container_hooks);
  out.line("cwd", plan.init.cwd);
  for (const auto& arg : plan.init.args) out.line("arg", arg);
  for (const auto& entry : plan.init.env) out.line("env", entry.substr(0, entry.find('=')));  // values may be secrets
  for (const auto& warning : plan.warnings) out.line("warning", warning);
  return out.take();
}

}  // namespace agentsafe::plan
