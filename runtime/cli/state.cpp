#include "runtime/cli/invocation.h"
#include "runtime/cli/state_text.h"
#include "runtime/cli/verbs.h"

namespace agentsafe::cli {

int state(const Invocation& invocation) {
  invocation.print(state_json({container::state(invocation.runtime, invocation.id()), ""}));
  return 0;
}

}  // namespace agentsafe::cli
