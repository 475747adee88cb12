#include "runtime/cli/matching.h"
#include "runtime/cli/verbs.h"

namespace agentsafe::cli {

int kill(const Invocation& invocation) {
  container::KillRequest request;
  request.all = invocation.arguments.on("all");
  if (invocation.arguments.positional().size() > 1) request.signal = invocation.argument(1);
  for (const std::string& id : chosen_ids(invocation)) {
    request.id = id;
    container::kill(invocation.runtime, request);
  }
  return 0;
}

}  // namespace agentsafe::cli
