#include "runtime/cli/invocation.h"
#include "runtime/cli/verbs.h"

namespace agentsafe::cli {

int resume(const Invocation& invocation) {
  container::resume(invocation.runtime, invocation.id());
  return 0;
}

}  // namespace agentsafe::cli
