// update: new limits for a running container; what cannot be set is rolled back, what was set is remembered.
#include "oci/validate.h"
#include "runtime/base/error.h"
#include "runtime/cgroup/knobs.h"
#include "runtime/cgroup/resctrl.h"
#include "runtime/container/container.h"
#include "runtime/policy/harden.h"

namespace agentsafe::container {

void update(Runtime& runtime, const UpdateRequest& request) {
  const auto violations = oci::validate_resources(request.resources);
  if (!violations.empty()) fail(oci::describe(violations, "the new resources"));
  Container container = lock_container(runtime, request.id);
  container.require(Operation::update);
  const bool schemata = request.l3_cache_schema || request.mem_bw_schema;
  if (schemata && !container.record.intelRdt)
    fail("update the cache schemata: the container was created without linux.intelRdt");
  for (const auto& warning : cgroup::ignored_resources(request.resources, container.record.cgroup))
    runtime.log->warning(warning);
  const oci::Resources current = container.record.resources.value_or(oci::Resources{});
  const policy::Policy policy = policy_of(container.record);
  const bool bounded = policy != policy::Policy{};
  container.record.resources = container.cgroup->update(
      bounded ? policy::harden_update(request.resources, current, policy, policy::look_around()) : request.resources,
      current);
  container.dir.save(container.record);  // true also when the kernel refuses the schemata
  if (schemata)
    cgroup::update_resctrl_group(*container.record.intelRdt, request.l3_cache_schema, request.mem_bw_schema);
}

}  // namespace agentsafe::container
