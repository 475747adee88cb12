// state, list, ps: what can be seen of containers without changing them.
#include "oci/spec_json.h"
#include "runtime/base/error.h"
#include "runtime/container/container.h"
#include "runtime/sys/fd.h"

namespace agentsafe::container {
namespace {

ContainerState state_of(const Container& container) {
  const auto& record = container.record;
  const Status status = container.status();
  ContainerState state;
  state.ociVersion = record.ociVersion;
  state.id = record.id;
  state.pid = status == Status::stopped ? 0 : record.pid;
  state.status = name_of(status);
  state.bundle = record.bundle;
  state.rootfs = record.rootfs;
  state.created = record.created;
  state.annotations = record.annotations;
  state.owner_uid = record.owner;
  return state;
}

}  // namespace

ContainerState state(Runtime& runtime, const std::string& id) { return state_of(open_container(runtime, id)); }

std::vector<std::string> ids(Runtime& runtime) { return Store(runtime.root).ids(); }

std::vector<ContainerState> list(Runtime& runtime) {
  if (runtime.root_is_explicit && !sys::try_openat(sys::at_cwd, runtime.root, O_PATH | O_DIRECTORY))
    fail("list containers: the root folder " + runtime.root + " is missing");
  std::vector<ContainerState> states;
  for (const auto& id : ids(runtime)) {
    try {
      states.push_back(state_of(open_container(runtime, id)));
    } catch (const Error& error) {  // deleted meanwhile, or left half-made by a killed create
      runtime.log->warning("load container " + id + ": " + error.what());
    }
  }
  return states;
}

std::vector<std::int32_t> processes(Runtime& runtime, const std::string& id) {
  const Container container = open_container(runtime, id);
  if (container.status() == Status::stopped) return {};
  return container.cgroup->pids();
}

}  // namespace agentsafe::container
