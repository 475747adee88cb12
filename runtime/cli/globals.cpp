#include "runtime/cli/globals.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "runtime/cli/values.h"
#include "runtime/policy/sources.h"
#include "runtime/sys/fd.h"

namespace agentsafe::cli {
namespace {

constexpr const char* syslog_socket = "/dev/log";
constexpr const char* journal_socket = "/run/systemd/journal/socket";

UniqueFd connect_log_socket(const char* path) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) fail_errno("open the log: socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, path);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    fail_errno(std::string("open the log: connect ") + path);
  return socket;
}

Log::Format file_format(const Arguments& global) {
  return global.text("log-format", "text") == "json" ? Log::Format::json : Log::Format::text;
}

std::string state_root(const Arguments& global, const Environment& environment) {
  if (!global.given("root")) return environment.state_root;
  const std::string given = global.text("root");
  if (given.empty()) Arguments::refuse("root", given, "expected a directory");
  const std::string root = text::clean_path(absolute_path(given));
  if (root == "/") Arguments::refuse("root", given, "the root directory cannot hold the state");
  return root;
}

}  // namespace

LogTarget parse_log_target(std::string_view value) {
  using Kind = LogTarget::Kind;
  constexpr std::pair<std::string_view, Kind> prefixes[] = {
      {"file:", Kind::file}, {"syslog:", Kind::syslog}, {"journald:", Kind::journald}};
  if (value.empty()) return {};
  for (const auto& [prefix, kind] : prefixes)
    if (value.starts_with(prefix)) return {kind, std::string(value.substr(prefix.size()))};
  return {Kind::file, std::string(value)};
}

Log open_log(const Arguments& global) {
  const bool debug = global.on("debug") || global.text("log-level") == "debug";
  LogTarget target = parse_log_target(global.text("log"));
  switch (target.kind) {
    case LogTarget::Kind::standard_error: return {UniqueFd(), file_format(global), debug};
    case LogTarget::Kind::syslog:
      return {connect_log_socket(syslog_socket), Log::Format::syslog, debug, std::move(target.name)};
    case LogTarget::Kind::journald:
      return {connect_log_socket(journal_socket), Log::Format::journald, debug, std::move(target.name)};
    case LogTarget::Kind::file:
      return in_context("open the log", [&]() -> Log {
        return {sys::openat(sys::at_cwd, target.name, O_WRONLY | O_CREAT | O_APPEND, 0644), file_format(global), debug};
      });
  }
  __builtin_unreachable();
}

bool wants_warnings(const Arguments& global) { return global.text("log-level", "warning") != "error"; }

bool wants_systemd(const Arguments& global) {
  return global.on("systemd-cgroup") || global.text("cgroup-manager") == "systemd";
}

container::Runtime runtime_settings(const Arguments& global, const Environment& environment, Log& log) {
  using Manager = container::Runtime::CgroupManager;
  container::Runtime runtime;
  runtime.root = state_root(global, environment);
  runtime.root_is_explicit = global.given("root");
  if (global.given("policy")) runtime.policy = policy::canonical_name(global.text("policy"), absolute_path("."));
  const std::string rootless = global.text("rootless", "auto");
  if (rootless != "auto") runtime.rootless = parse_bool(rootless);
  runtime.cgroup_manager = wants_systemd(global)                          ? Manager::systemd
                           : global.text("cgroup-manager") == "disabled" ? Manager::disabled
                                                                         : Manager::cgroupfs;
  runtime.session_bus = environment.session_bus;
  runtime.seccomp_receiver = environment.seccomp_receiver;
  runtime.log = &log;
  return runtime;
}

}  // namespace agentsafe::cli
