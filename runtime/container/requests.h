// What the command line asks of the container layer: one struct per verb, filled by cli/, carried out by the function
// of the verb's name. The environment and argv are read in cli/ only; what a verb needs of them is a member here.
// All functions throw Error; the int ones answer the exit status of the program.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "oci/spec.h"
#include "runtime/base/log.h"
#include "runtime/base/unique_fd.h"
#include "runtime/criu/options.h"

namespace agentsafe::container {

// What every verb gets.
struct Runtime {
  std::string root;                  // --root, absolute; made when missing unless root_is_explicit (list)
  bool root_is_explicit = false;
  std::optional<std::string> policy; // --policy as given; without it: the default, or what the state holds
  std::optional<bool> rootless;      // --rootless; empty: auto
  enum class CgroupManager { cgroupfs, systemd, disabled } cgroup_manager = CgroupManager::cgroupfs;
  std::string session_bus;           // D-Bus address of the user's bus, from the environment; may be empty
  std::string seccomp_receiver;      // RUN_OCI_SECCOMP_RECEIVER: the agent where linux.seccomp names none
  Log* log = nullptr;                // never null when a verb runs
};

struct CreateRequest {
  std::string id;
  std::string bundle = ".";
  std::string config;                // crun's --config: another file than BUNDLE/config.json
  std::string console_socket;
  std::string pidfd_socket;
  std::string pid_file;
  bool no_pivot = false;
  bool no_new_keyring = false;
  unsigned preserve_fds = 0;
  unsigned listen_fds = 0;           // LISTEN_FDS when LISTEN_PID is this process
  std::string notify_socket;         // NOTIFY_SOCKET
  bool no_subreaper = false;
  bool dry_run = false;              // print the Plan, change nothing
};
struct RunRequest : CreateRequest {
  bool detach = false;
  bool keep = false;
};
void create(Runtime& runtime, const CreateRequest& request);
int run(Runtime& runtime, const RunRequest& request);

struct StartRequest {
  std::string id;
  std::string notify_socket;
};
void start(Runtime& runtime, const StartRequest& request);

struct ExecRequest {
  std::string id;
  std::vector<std::string> args;     // empty with process_file
  std::string process_file;
  std::string console_socket;
  std::string pidfd_socket;
  std::string pid_file;
  std::optional<std::string> cwd;
  std::vector<std::string> env;
  bool tty = false;
  std::optional<std::uint32_t> uid;  // --user uid[:gid]
  std::optional<std::uint32_t> gid;
  std::vector<std::uint32_t> additional_gids;
  bool detach = false;
  std::string process_label;
  std::string apparmor;
  bool no_new_privs = false;
  std::vector<std::string> caps;
  unsigned preserve_fds = 0;
  unsigned listen_fds = 0;
  std::vector<std::string> cgroups;  // "path" or "controller[,controller]:path"
  bool ignore_paused = false;
};
int exec(Runtime& runtime, const ExecRequest& request);

struct KillRequest {
  std::string id;
  std::string signal = "SIGTERM";    // number, NAME or SIGNAME in any case
  bool all = false;
};
void kill(Runtime& runtime, const KillRequest& request);

struct DeleteRequest {
  std::string id;
  bool force = false;
};
void remove(Runtime& runtime, const DeleteRequest& request);

void pause(Runtime& runtime, const std::string& id);
void resume(Runtime& runtime, const std::string& id);

// The facts behind `state` and one row of `list`.
struct ContainerState {
  std::string ociVersion;
  std::string id;
  std::int32_t pid = 0;              // 0 when stopped
  std::string status;                // creating created running paused stopped
  std::string bundle;
  std::string rootfs;
  std::string created;               // RFC 3339 with nanoseconds, UTC
  std::map<std::string, std::string> annotations;
  std::uint32_t owner_uid = 0;
};
ContainerState state(Runtime& runtime, const std::string& id);
std::vector<ContainerState> list(Runtime& runtime);      // sorted by id
std::vector<std::string> ids(Runtime& runtime);          // for --regex of kill and delete
std::vector<std::int32_t> processes(Runtime& runtime, const std::string& id);  // host pids, whole cgroup subtree

struct UpdateRequest {
  std::string id;
  oci::Resources resources;          // only what is to change is present
  std::optional<std::string> l3_cache_schema;
  std::optional<std::string> mem_bw_schema;
};
void update(Runtime& runtime, const UpdateRequest& request);

// What may leave the container, as `egress show` prints it.
std::string egress_show(Runtime& runtime, const std::string& id, bool json);
// `json`: what policy::read_egress reads; without "ingress" the container's stays. One transaction; open connections that
// are no longer allowed are cut.
void egress_set(Runtime& runtime, const std::string& id, std::string_view json);
// Whether `to` (policy::parse_dest, one address and port) would be let out, and which rule says so.
std::string why_connect(Runtime& runtime, const std::string& id, std::string_view to);

// The same of a path of a running container, and of a capability: CAP_NET_RAW or NET_RAW. Lines that begin with allowed,
// refused or missing.
std::string why_open(Runtime& runtime, const std::string& id, const std::string& path);
std::string why_exec(Runtime& runtime, const std::string& id, const std::string& path);
std::string why_capability(Runtime& runtime, const std::string& id, const std::string& name);

// criu/options.h has the options that criu gets as they are; what concerns the images is here.
struct CriuRequest {
  std::string path;                  // PATH: where criu is, and what it runs
  std::string image_path;
  std::string work_path;             // for criu's log; empty: image_path
  criu::Options options;
};
struct CheckpointRequest : CriuRequest {
  std::string id;
  std::string parent_path;           // of an earlier pre-dump, below image_path
  bool pre_dump = false;             // memory only, the container goes on
  int status_fd = -1;                // gets a zero byte when the server of lazy pages is ready
};
void checkpoint(Runtime& runtime, const CheckpointRequest& request);

struct RestoreRequest : RunRequest {
  CriuRequest criu;
};
int restore(Runtime& runtime, const RestoreRequest& request);

struct EventsRequest {
  std::string id;
  std::chrono::milliseconds interval{5000};
  bool stats = false;                // once, then end
};
// Hands each event, one line of JSON without its newline, to `print`; returns when the container stops.
void events(Runtime& runtime, const EventsRequest& request, const std::function<void(const std::string&)>& print);

}  // namespace agentsafe::container
