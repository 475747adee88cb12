#include "runtime/container/host_side.h"

#include "runtime/cgroup/resctrl.h"
#include "runtime/container/egress.h"

namespace agentsafe::container {
namespace {

void join_resctrl(const oci::IntelRdt& config, Container& container, pid_t init) {
  auto group = cgroup::make_resctrl_group(cgroup::resctrl_mount_point(), config, container.record.id);
  group.add(init);
  container.record.intelRdt = group.keep();
}

}  // namespace

void set_up_network(const Creation& creation, pid_t init, Container& container, net::MovedDevices& moved) {
  const auto& spec = creation.bundle.spec;
  if (creation.plan.egress)
    install_egress(*creation.plan.egress, init, container.record.rootless, container.dir.path());
  if (spec.linux && !spec.linux->netDevices.empty()) moved.move(spec.linux->netDevices, init);
}

void set_up_cgroup(const Creation& creation, pid_t init, Container& container) {
  const auto& spec = creation.bundle.spec;
  if (creation.plan.cgroup_owner) container.cgroup->delegate(*creation.plan.cgroup_owner);
  if (creation.plan.resources) container.cgroup->apply_limits(*creation.plan.resources);
  if (spec.linux && spec.linux->intelRdt) join_resctrl(*spec.linux->intelRdt, container, init);
  container.cgroup->prepare_devices(creation.plan.resources.value_or(oci::Resources{}));
}

void limit_devices(const Creation& creation, const Container& container) {
  container.cgroup->apply_devices(creation.plan.resources.value_or(oci::Resources{}));
}

}  // namespace agentsafe::container
