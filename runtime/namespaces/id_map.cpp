#include "runtime/namespaces/id_map.h"

#include <unistd.h>

#include <string>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"

namespace agentsafe::namespaces {
namespace {

struct MapFile {
  const char* file;            // of /proc/PID
  const char* helper;          // setuid helper for callers without privileges
  const char* permission_file; // where the helper looks
};
constexpr MapFile uid_map{"uid_map", "newuidmap", "/etc/subuid"};
constexpr MapFile gid_map{"gid_map", "newgidmap", "/etc/subgid"};

std::string map_text(const std::vector<oci::IdMapping>& map) {
  std::string text;
  for (const auto& row : map)
    text += std::to_string(row.containerID) + " " + std::to_string(row.hostID) + " " + std::to_string(row.size) + "\n";
  return text;
}

bool only_own_id(const std::vector<oci::IdMapping>& map, std::uint32_t own) {
  return map.size() == 1 && map[0].size == 1 && map[0].hostID == own;
}

void run_helper(const MapFile& kind, pid_t pid, const std::vector<oci::IdMapping>& map) {
  UniqueFd program;
  for (const char* dir : {"/usr/bin/", "/bin/", "/usr/local/bin/"}) {
    program = sys::try_openat(sys::at_cwd, std::string(dir) + kind.helper, O_PATH);
    if (program) break;
  }
  if (!program) fail(std::string(kind.helper) + " is not installed: install the package uidmap");
  std::vector<std::string> args{kind.helper, std::to_string(pid)};
  for (const auto& row : map)
    for (const auto number : {row.containerID, row.hostID, row.size}) args.push_back(std::to_string(number));
  const sys::Child child = sys::clone3({}, [&] {
    sys::execveat(program, args, {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"});
    return 127;
  });
  const auto exit = sys::wait(child.pidfd);
  if (exit.status() != 0)
    fail(std::string(kind.helper) + " ended with status " + std::to_string(exit.status()) + ": is the range in " +
         kind.permission_file + "?");
}

void write_map(const MapFile& kind, pid_t pid, const std::vector<oci::IdMapping>& map, bool direct) {
  const std::string path = "/proc/" + std::to_string(pid) + "/" + kind.file;
  in_context(std::string("write ") + kind.file, [&] {
    if (direct) {
      sys::write_file(sys::at_cwd, path, map_text(map));
    } else {
      run_helper(kind, pid, map);
    }
    // CVE-2025-52881: a write that went elsewhere would leave this one empty
    if (text::words(sys::read_file(sys::at_cwd, path)) != text::words(map_text(map)))
      fail("read back: the map is not what was written");
  });
}

}  // namespace

std::uint32_t host_id(const std::vector<oci::IdMapping>& map, std::uint32_t container_id, const char* what) {
  if (map.empty()) return container_id;
  for (const auto& row : map)
    if (container_id >= row.containerID && container_id - row.containerID < row.size)
      return row.hostID + (container_id - row.containerID);
  fail(std::string(what) + " " + std::to_string(container_id) + " is not mapped in the user namespace");
}

void write_id_maps(pid_t pid, const IdMaps& maps, bool privileged) {
  const bool direct_gids = privileged || only_own_id(maps.gids, ::getegid());
  if (!privileged && direct_gids)  // user_namespaces(7): demanded before an unprivileged gid_map
    sys::write_file(sys::at_cwd, "/proc/" + std::to_string(pid) + "/setgroups", "deny");
  write_map(gid_map, pid, maps.gids, direct_gids);
  write_map(uid_map, pid, maps.uids, privileged || only_own_id(maps.uids, ::geteuid()));
}

}  // namespace agentsafe::namespaces
