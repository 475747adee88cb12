#include "runtime/cli/lifecycle.h"
#include "runtime/cli/verbs.h"

namespace agentsafe::cli {

int run(const Invocation& invocation) {
  container::RunRequest request;
  fill(request, invocation);
  request.detach = invocation.arguments.on("detach");
  request.keep = invocation.arguments.on("keep");
  return container::run(invocation.runtime, request);
}

}  // namespace agentsafe::cli
