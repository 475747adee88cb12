// pause and resume: the freezer.
#include "runtime/container/container.h"

namespace agentsafe::container {

void pause(Runtime& runtime, const std::string& id) {
  Container container = lock_container(runtime, id);
  container.require(Operation::pause);
  container.cgroup->freeze();
}

void resume(Runtime& runtime, const std::string& id) {
  Container container = lock_container(runtime, id);
  container.require(Operation::resume);
  container.cgroup->thaw();
}

}  // namespace agentsafe::container
