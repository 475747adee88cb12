#include "runtime/cli/lifecycle.h"
#include "runtime/cli/verbs.h"

namespace agentsafe::cli {

void fill(container::CreateRequest& request, const Invocation& invocation) {
  const Arguments& given = invocation.arguments;
  request.id = invocation.id();
  request.bundle = given.text("bundle", ".");
  request.config = given.text("config");
  request.console_socket = given.text("console-socket");
  request.pidfd_socket = given.text("pidfd-socket");
  if (given.given("pid-file")) request.pid_file = absolute_path(given.text("pid-file"));
  request.no_pivot = given.on("no-pivot");
  request.no_new_keyring = given.on("no-new-keyring");
  request.preserve_fds = given.number<unsigned>("preserve-fds").value_or(0);
  request.listen_fds = invocation.environment.listen_fds;
  request.notify_socket = invocation.environment.notify_socket;
  request.no_subreaper = given.on("no-subreaper");
  request.dry_run = given.on("dry-run");
}

int create(const Invocation& invocation) {
  container::CreateRequest request;
  fill(request, invocation);
  container::create(invocation.runtime, request);
  return 0;
}

}  // namespace agentsafe::cli
