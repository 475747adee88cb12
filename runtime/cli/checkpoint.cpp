// checkpoint and restore: most of their options are criu's own.
#include "runtime/base/text.h"
#include "runtime/cli/lifecycle.h"
#include "runtime/cli/verbs.h"

namespace agentsafe::cli {
namespace {

using criu::Options;

constexpr struct {
  std::string_view name;
  bool Options::*member;
} switches[] = {
    {"leave-running", &Options::leave_running}, {"tcp-established", &Options::tcp_established},
    {"tcp-close", &Options::tcp_close},         {"tcp-skip-in-flight", &Options::tcp_skip_in_flight},
    {"link-remap", &Options::link_remap},       {"ext-unix-sk", &Options::ext_unix_sk},
    {"shell-job", &Options::shell_job},         {"lazy-pages", &Options::lazy_pages},
    {"file-locks", &Options::file_locks},       {"auto-dedup", &Options::auto_dedup},
};

// runc takes the option for what it does anyway: network namespaces are restored empty.
void check_empty_namespaces(const Arguments& given) {
  for (const auto& type : given.list("empty-ns"))
    if (type != "network") Arguments::refuse("empty-ns", type, "only the network namespace can be left empty");
}

void set_page_server(Options& options, const Arguments& given) {
  const std::string server = given.text("page-server");
  if (server.empty()) return;
  const auto colon = server.rfind(':');
  const auto port = colon == std::string::npos ? std::nullopt : text::parse<std::uint16_t>(server.substr(colon + 1));
  std::string address = server.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  if (!port || *port == 0 || address.empty()) Arguments::refuse("page-server", server, "expected ADDRESS:PORT");
  options.page_server_address = address;
  options.page_server_port = *port;
}

container::CriuRequest criu_request(const Invocation& invocation) {
  const Arguments& given = invocation.arguments;
  container::CriuRequest request;
  request.path = invocation.environment.path;
  request.image_path = given.text("image-path");
  request.work_path = given.text("work-path");
  for (const auto& row : switches) request.options.*row.member = given.on(row.name);
  check_empty_namespaces(given);
  set_page_server(request.options, given);
  request.options.cgroup_mode = criu::cgroup_mode(given.text("manage-cgroups-mode"));
  request.options.network_lock = criu::network_lock(given.text("network-lock"));
  request.options.lsm_profile = given.text("lsm-profile");
  request.options.lsm_mount_context = given.text("lsm-mount-context");
  return request;
}

}  // namespace

int checkpoint(const Invocation& invocation) {
  const Arguments& given = invocation.arguments;
  container::CheckpointRequest request{criu_request(invocation)};
  request.id = invocation.id();
  request.parent_path = given.text("parent-path");
  request.pre_dump = given.on("pre-dump");
  request.status_fd = given.number<int>("status-fd").value_or(-1);
  container::checkpoint(invocation.runtime, request);
  return 0;
}

int restore(const Invocation& invocation) {
  container::RestoreRequest request;
  fill(request, invocation);
  request.detach = invocation.arguments.on("detach");
  request.criu = criu_request(invocation);
  return container::restore(invocation.runtime, request);
}

}  // namespace agentsafe::cli
