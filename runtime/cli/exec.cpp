#include "runtime/cli/lifecycle.h"
#include "runtime/cli/values.h"
#include "runtime/cli/verbs.h"

namespace agentsafe::cli {
namespace {

std::vector<std::uint32_t> group_ids(const Arguments& given) {
  std::vector<std::uint32_t> ids;
  for (const std::string& raw : given.list("additional-gids")) {
    const auto id = text::parse<std::uint32_t>(raw);
    if (!id) Arguments::refuse("additional-gids", raw, "expected a group id");
    ids.push_back(*id);
  }
  return ids;
}

void fill_user(container::ExecRequest& request, const Arguments& given) {
  const std::string raw = given.text("user");
  if (raw.empty()) return;
  const auto user = parse_user(raw);
  if (!user) Arguments::refuse("user", raw, "expected UID or UID:GID in numbers");
  request.uid = user->uid;
  request.gid = user->gid;
}

}  // namespace

int exec(const Invocation& invocation) {
  const Arguments& given = invocation.arguments;
  const auto& words = given.positional();
  container::ExecRequest request;
  request.id = invocation.id();
  request.args.assign(words.begin() + 1, words.end());
  request.process_file = given.text("process");
  if (request.args.empty() && request.process_file.empty()) throw UsageError("expected a command, or --process FILE");
  request.console_socket = given.text("console-socket");
  request.pidfd_socket = given.text("pidfd-socket");
  if (const auto file = given.text("pid-file"); !file.empty()) request.pid_file = absolute_path(file);
  if (auto cwd = given.text("cwd"); !cwd.empty()) request.cwd = std::move(cwd);
  request.env = given.list("env");
  request.tty = given.on("tty");
  fill_user(request, given);
  request.additional_gids = group_ids(given);
  request.detach = given.on("detach");
  request.process_label = given.text("process-label");
  request.apparmor = given.text("apparmor");
  request.no_new_privs = given.on("no-new-privs");
  request.caps = given.list("cap");
  request.preserve_fds = preserved_fds(invocation);
  request.listen_fds = invocation.environment.listen_fds;
  request.cgroups = given.list("cgroup");
  request.ignore_paused = given.on("ignore-paused");
  return container::exec(invocation.runtime, request);
}

}  // namespace agentsafe::cli
