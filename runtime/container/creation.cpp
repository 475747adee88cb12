#include "runtime/container/creation.h"

#include <sched.h>
#include <unistd.h>

#include "oci/annotations.h"
#include "oci/validate.h"
#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/container/container.h"
#include "runtime/container/egress.h"
#include "runtime/policy/explain.h"
#include "runtime/sys/process.h"

namespace agentsafe::container {
namespace {

oci::Bundle load_valid(const Runtime& runtime, const CreateRequest& request) {
  oci::Bundle bundle = oci::load(request.bundle, request.config);
  oci::annotation::settle_receiver(bundle.spec, runtime.seccomp_receiver);
  const auto violations = oci::validate(bundle.spec, oci::host_namespaces(bundle.spec));
  if (!violations.empty()) fail(oci::describe(violations));
  return bundle;
}

policy::Resolved choose_policy(const Runtime& runtime, const oci::Spec& spec) {
  auto chosen = policy::resolve({}, runtime.policy, spec, {});
  const std::string what = "policy " + text::escaped(chosen.name) + ": ";
  const auto objections = policy::objections(chosen.policy);
  if (!objections.empty()) fail(what + text::join(objections, "; "));
  return chosen;
}

void harden(Creation& creation) {
  auto& spec = creation.bundle.spec;
  creation.policy = choose_policy(creation.runtime, spec);
  const auto& policy = creation.policy.policy;
  if (policy == policy::Policy{}) return;
  creation.hardened = policy::harden(spec, policy, policy::look_around(spec, creation.bundle.path, policy));
  if (!creation.hardened.refusals.empty()) fail(policy::describe(creation.hardened.refusals, creation.policy.name));
  spec = std::move(creation.hardened.spec);
}

}  // namespace

std::string dry_run_text(const Creation& creation) {
  std::string text = plan::print(creation.plan);
  if (creation.policy.policy != policy::Policy{}) text += policy::explain(creation.policy, creation.hardened);
  return text;
}

Creation plan_creation(Runtime& runtime, const CreateRequest& request, plan::Mode mode, process::Ahead* ahead) {
  check_id(request.id);
  Creation creation{runtime, request, load_valid(runtime, request), {}, {}, {}};
  harden(creation);
  const auto& linux = creation.bundle.spec.linux;
  if (ahead != nullptr && linux && namespaces::makes_network_at_once(*linux)) ahead->make_network();
  const auto host = plan::probe_host();
  plan::Options options;
  options.mode = mode;
  options.id = request.id;
  options.bundle = creation.bundle.path;
  options.state_dir = runtime.root + "/" + request.id;
  if (auto rules = policy::egress_of(creation.policy.policy)) {
    auto around = surroundings_of(*rules, creation.bundle.spec, creation.bundle.path);
    options.egress = {std::move(*rules), std::move(around), {}};
  }
  options.no_pivot = request.no_pivot;
  const auto& spec = creation.bundle.spec;
  options.hosts_mounts = !oci::namespace_facts(spec, oci::host_namespaces(spec)).mount;
  options.no_new_keyring = request.no_new_keyring;
  options.rootless = runtime.rootless.value_or(!host.privileged());
  options.cgroup_disabled = runtime.cgroup_manager == Runtime::CgroupManager::disabled;
  options.systemd_cgroup = runtime.cgroup_manager == Runtime::CgroupManager::systemd;
  options.notify = !request.notify_socket.empty();
  options.seccomp_cache = runtime.root + "/.agentsafe-seccomp";
  options.stacked_seccomp = seccomp_of(creation.hardened.seccomp);
  if (const auto& scratch = creation.hardened.scratch) {
    options.scratch_size = scratch->size;
    options.scratch_dir = scratch->disk;
  }
  options.nosuid_root = creation.hardened.nosuid_root;
  options.nodev_root = creation.hardened.nodev_root;
  options.own_ids = creation.hardened.own_ids;
  options.listen_fds = request.listen_fds;
  options.preserve_fds = request.preserve_fds;
  creation.plan = plan::make_plan(creation.bundle.spec, host, options);
  creation.plan.init.debug = runtime.log->debugs();
  runtime.log->debug("the bundle " + creation.bundle.path + " is valid, its policy is " + creation.policy.name);
  for (const auto& warning : oci::warnings(creation.bundle.spec)) runtime.log->warning(warning);
  for (const auto& warning : creation.plan.warnings) runtime.log->warning(warning);
  return creation;
}

Record first_record(const Creation& creation) {
  const auto& spec = creation.bundle.spec;
  Record record;
  record.ociVersion = spec.ociVersion;
  record.id = creation.request.id;
  record.bundle = creation.bundle.path;
  record.rootfs = spec.root->path;
  record.created = rfc3339_now(true);
  record.owner = sys::effective_uid();
  record.bootId = sys::boot_id();
  record.policy = creation.policy.name;
  if (creation.policy.policy != policy::Policy{}) record.effectivePolicy = policy::to_json(creation.policy.policy);
  record.cgroup = cgroup::with_missing_parents(creation.plan.cgroup);
  record.ownPidNamespace = (creation.plan.init.namespaces.create & CLONE_NEWPID) != 0;
  if (creation.plan.init.rootfs->hosts_mounts) record.hostsMounts = hosts_mounts_at(record.rootfs);
  record.rootless = creation.plan.init.namespaces.rootless;
  if (creation.plan.egress) {
    record.egress = policy::to_json(creation.plan.egress->rules);
    record.sharedNetwork = shared_network_of(*creation.plan.egress);
  }
  record.resources = creation.plan.resources;
  record.annotations = spec.annotations;
  return record;
}

void check_terminal(const Creation& creation, bool detached) {
  const bool terminal = creation.bundle.spec.process->terminal;
  const bool socket = !creation.request.console_socket.empty();
  if (detached && terminal && !socket) fail("cannot allocate tty if runc will detach without setting console socket");
  if (socket && !(detached && terminal)) fail("cannot use console socket if runc will not detach or allocate tty");
}

void run_host_hooks(const Creation& creation, const Record& record) {
  if (!creation.plan.init.waits_when_mounted) return;
  // config.md#prestart places these hooks behind the start operation, where the container is created.
  process::run_hooks("prestart", creation.plan.prestart, oci::to_json(oci_state(record, Status::created)));
  const std::string state = oci::to_json(oci_state(record, Status::creating));
  process::run_hooks("createRuntime", creation.plan.create_runtime, state);
}

}  // namespace agentsafe::container
