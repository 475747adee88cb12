#include "runtime/cli/lifecycle.h"
#include "runtime/cli/verbs.h"

namespace agentsafe::cli {

unsigned preserved_fds(const Invocation& invocation) {
  const Environment& environment = invocation.environment;
  const unsigned count = invocation.arguments.number<unsigned>("preserve-fds").value_or(0);
  if (std::uint64_t{environment.listen_fds} + count <= environment.inherited_fds) return count;
  fail("--preserve-fds=" + std::to_string(count) + " and LISTEN_FDS=" + std::to_string(environment.listen_fds) +
       ": descriptor " + std::to_string(3 + environment.inherited_fds) + " is not open");
}

void fill(container::CreateRequest& request, const Invocation& invocation) {
  const Arguments& given = invocation.arguments;
  request.id = invocation.id();
  request.bundle = given.text("bundle");
  if (request.bundle.empty()) request.bundle = ".";
  request.config = given.text("config");
  request.console_socket = given.text("console-socket");
  request.pidfd_socket = given.text("pidfd-socket");
  if (const auto file = given.text("pid-file"); !file.empty()) request.pid_file = absolute_path(file);
  request.no_pivot = given.on("no-pivot");
  request.no_new_keyring = given.on("no-new-keyring");
  request.preserve_fds = preserved_fds(invocation);
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
