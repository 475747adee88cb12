#include "runtime/cli/environment.h"

#include <fcntl.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <vector>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"

namespace agentsafe::cli {
namespace {

constexpr const char* system_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string variable(const char* name) {
  const char* value = ::getenv(name);
  return value != nullptr ? value : "";
}

// Counted before the log is opened, which must not pass for one of the caller's descriptors.
unsigned count_inherited_fds() {
  int fd = STDERR_FILENO + 1;
  while (::fcntl(fd, F_GETFD) >= 0) ++fd;
  return static_cast<unsigned>(fd - STDERR_FILENO - 1);
}

// The D-Bus specification, "Server Addresses": all but these is written as %XX.
std::string bus_address_value(std::string_view path) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_/.";
  constexpr char hex[] = "0123456789abcdef";
  std::string out;
  for (const char c : path) {
    if (plain.find(c) != std::string_view::npos)
      out += c;
    else
      out += {'%', hex[static_cast<unsigned char>(c) >> 4], hex[static_cast<unsigned char>(c) & 15]};
  }
  return out;
}

}  // namespace

EnvironmentFacts environment_facts() {
  EnvironmentFacts facts;
  facts.inherited_fds = count_inherited_fds();
  facts.effective_uid = sys::effective_uid();
  facts.pid = ::getpid();
  facts.user = variable("USER");
  facts.runtime_dir = variable("XDG_RUNTIME_DIR");
  facts.listen_pid = variable("LISTEN_PID");
  facts.listen_fds = variable("LISTEN_FDS");
  facts.notify_socket = variable("NOTIFY_SOCKET");
  facts.session_bus = variable("DBUS_SESSION_BUS_ADDRESS");
  facts.path = variable("PATH");
  facts.seccomp_receiver = variable("RUN_OCI_SECCOMP_RECEIVER");
  // Only root with a runtime folder of somebody else's needs the answer.
  if (facts.effective_uid == 0 && facts.user != "root" && !facts.runtime_dir.empty())
    facts.in_user_namespace = !sys::in_initial_user_namespace().value_or(true);
  return facts;
}

Environment read_environment(const EnvironmentFacts& facts) {
  Environment environment;
  const bool is_guest = facts.effective_uid != 0 || (facts.in_user_namespace && facts.user != "root");
  environment.state_root_is_own = is_guest && !facts.runtime_dir.empty();
  environment.state_root = environment.state_root_is_own ? facts.runtime_dir + "/agentsafe" : "/run/agentsafe";
  if (text::parse<pid_t>(facts.listen_pid) == facts.pid)
    environment.listen_fds = text::parse<unsigned>(facts.listen_fds).value_or(0);
  environment.inherited_fds = facts.inherited_fds;
  environment.notify_socket = facts.notify_socket;
  environment.session_bus = facts.session_bus;
  if (facts.session_bus.empty() && !facts.runtime_dir.empty())
    environment.session_bus = "unix:path=" + bus_address_value(facts.runtime_dir + "/bus");
  environment.path = (facts.path.empty() ? "" : facts.path + ":") + system_path;
  environment.seccomp_receiver = facts.seccomp_receiver;
  return environment;
}

std::string absolute_path(const std::string& path) {
  if (path.starts_with('/')) return path;
  char here[PATH_MAX];
  if (::getcwd(here, sizeof here) == nullptr) fail_errno("look up the current folder");
  return std::string(here) + "/" + path;
}

void make_own_state_root(const Environment& environment) {
  sys::try_mkdirat(sys::at_cwd, environment.state_root, 0700);
  const UniqueFd root = sys::openat(sys::at_cwd, environment.state_root, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  sys::fchmod(root, S_ISVTX | 0700);
}

}  // namespace agentsafe::cli
