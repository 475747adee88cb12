#include "runtime/cli/matching.h"
#include "runtime/cli/verbs.h"

namespace agentsafe::cli {

int delete_(const Invocation& invocation) {
  for (const std::string& id : chosen_ids(invocation))
    container::remove(invocation.runtime, {id, invocation.arguments.on("force")});
  return 0;
}

}  // namespace agentsafe::cli
