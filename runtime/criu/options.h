// What criu(8) is told and what it answers, as plain values and as the bytes between. Pure. Source: criu's
// images/rpc.proto, protobuf's encoding (protobuf.dev/programming-guides/encoding).
//
// We speak to `criu swrk` ourselves instead of through libcriu.so.2, which does nothing but write these bytes, start
// the same `criu swrk` and read its answers: the program is static and would need a third process (bridge/) whose child
// the restored container then were; Debian 13's libcriu (4.1) cannot name a configuration file, nor tell what went
// wrong; and its callbacks and global settings would have to be carried over the bridge. The tables here are the
// smaller part.
//
//   Options options;
//   options.images_dir = dir.get();
//   options.tcp_established = true;
//   std::string bytes = encode_request(Request::dump, &options);
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace agentsafe::criu {

enum class Request : std::uint8_t {
  none = 0,
  dump = 1,
  restore = 2,
  pre_dump = 4,
  notify = 6,
  feature_check = 9,
  version = 10
};
// criu_cg_mode: how much of the cgroups' properties criu saves and restores.
enum class CgroupMode : std::uint8_t { ignore = 0, soft = 3, full = 4, strict = 5, automatic = 6 };
// criu_network_lock_method; automatic: what criu was built with.
enum class NetworkLock : std::uint8_t { automatic = 0, iptables = 1, nftables = 2, skip = 3 };

using Pair = std::pair<std::string, std::string>;

// A member that is 0, false or empty is not sent: then criu's default holds, or what /etc/criu/default.conf says.
struct Options {
  // descriptors of ours: criu opens them as /proc/PID/fd/N
  std::int32_t images_dir = -1;
  std::int32_t work_dir = -1;  // -1: the images' folder
  std::int32_t pid = 0;        // of dump: the root of the process tree
  std::int32_t log_level = 4;
  std::string log_file;  // a name in work_dir
  std::string root;
  std::string parent_images;  // below images_dir
  std::string freeze_cgroup;
  std::string config_file;
  std::string lsm_profile;  // TYPE:NAME
  std::string lsm_mount_context;
  std::string page_server_address;
  std::int32_t page_server_port = 0;
  std::uint32_t empty_namespaces = 0;  // CLONE_NEWNET or 0
  CgroupMode cgroup_mode = CgroupMode::automatic;
  NetworkLock network_lock = NetworkLock::automatic;

  bool leave_running = false;
  bool ext_unix_sk = false;
  bool tcp_established = false;
  bool evasive_devices = false;
  bool shell_job = false;
  bool file_locks = false;
  bool notify = true;
  bool track_memory = false;
  bool auto_dedup = false;
  bool link_remap = false;
  bool restore_as_sibling = false;  // the restored init becomes our child, not criu's
  bool tcp_skip_in_flight = false;
  bool lazy_pages = false;
  bool orphan_pts_master = true;
  bool tcp_close = false;

  std::vector<Pair> external_mounts;  // dump: mount point → name; restore: name → source on the host
  std::vector<std::string> external;  // "net[4026531840]:extRootNetNS"
  std::vector<Pair> join_namespaces;  // type → path
  std::vector<Pair> cgroup_roots;     // controller → path in the hierarchy
  std::vector<std::pair<std::string, std::int32_t>> inherited_fds;  // name → descriptor of criu
};

[[nodiscard]] std::string encode_request(Request type, const Options* options = nullptr);
[[nodiscard]] std::string encode_feature_check();
// Of a notification: whether criu may go on.
[[nodiscard]] std::string encode_notify_answer(bool success);

struct Answer {
  Request type = Request::none;
  bool success = false;
  std::string script;    // of a notification: "post-restore" …
  std::int32_t pid = 0;  // with it, or of the restored init
  std::int32_t error_number = 0;
  std::string error_text;      // the first error that criu met
  bool tracks_memory = false;  // of feature_check
  bool has_lazy_pages = false;
  std::uint32_t version = 0;  // 40101 is 4.1.1
};
// Throws Error for bytes that are no answer.
[[nodiscard]] Answer decode_answer(std::string_view bytes);

// "soft", "full", "strict", "ignore"; "": automatic. Throws for another word.
[[nodiscard]] CgroupMode cgroup_mode(const std::string& word);
// "iptables", "nftables", "skip"; "": automatic.
[[nodiscard]] NetworkLock network_lock(const std::string& word);

}  // namespace agentsafe::criu
