// Everything the program takes from its environment, read once: no other file of the runtime calls getenv.
#pragma once
#include <sys/types.h>

#include <string>

namespace agentsafe::cli {

struct Environment {
  std::string state_root;          // where state is kept without --root
  bool state_root_is_own = false;  // it is a folder below XDG_RUNTIME_DIR, which we make
  unsigned listen_fds = 0;         // LISTEN_FDS, when LISTEN_PID is this process (sd_listen_fds(3))
  unsigned inherited_fds = 0;      // how many descriptors from 3 on were open, without a gap, when the program began
  std::string notify_socket;       // NOTIFY_SOCKET (sd_notify(3))
  std::string session_bus;         // D-Bus address of the user's bus: DBUS_SESSION_BUS_ADDRESS, or XDG_RUNTIME_DIR/bus
  std::string path;                // PATH, and the folders that have the system's programs
  std::string seccomp_receiver;    // RUN_OCI_SECCOMP_RECEIVER (crun(1))
};

// The values the rules below look at.
struct EnvironmentFacts {
  uid_t effective_uid = 0;
  pid_t pid = 0;
  unsigned inherited_fds = 0;
  bool in_user_namespace = false;
  std::string user;         // USER
  std::string runtime_dir;  // XDG_RUNTIME_DIR
  std::string listen_pid;
  std::string listen_fds;
  std::string notify_socket;
  std::string session_bus;  // DBUS_SESSION_BUS_ADDRESS
  std::string path;         // PATH
  std::string seccomp_receiver;
};

// To be called before anything else opens a descriptor.
[[nodiscard]] EnvironmentFacts environment_facts();

// Pure. /run/agentsafe for root; $XDG_RUNTIME_DIR/agentsafe for others and for root of a user namespace who is not the
// user root. A LISTEN_FDS that is not a number, or meant for another process, counts as none.
[[nodiscard]] Environment read_environment(const EnvironmentFacts& facts);

// The path from "/" on; a relative one is taken from the current folder.
[[nodiscard]] std::string absolute_path(const std::string& path);

// Makes the folder of state_root_is_own: 0700, sticky so that clean-up programs leave it (XDG base directory spec).
void make_own_state_root(const Environment& environment);

}  // namespace agentsafe::cli
