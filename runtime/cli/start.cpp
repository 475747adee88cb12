#include "runtime/cli/invocation.h"
#include "runtime/cli/verbs.h"

namespace agentsafe::cli {

int start(const Invocation& invocation) {
  container::start(invocation.runtime, {invocation.id(), invocation.environment.notify_socket});
  return 0;
}

}  // namespace agentsafe::cli
