#include "runtime/cli/invocation.h"
#include "runtime/cli/verbs.h"

namespace agentsafe::cli {

int pause(const Invocation& invocation) {
  container::pause(invocation.runtime, invocation.id());
  return 0;
}

}  // namespace agentsafe::cli
