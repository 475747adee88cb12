// The id maps of a user namespace. Source: user_namespaces(7), newuidmap(1), config-linux.md#user-namespace-mappings.
//
//   write_id_maps(pid, {.uids = {{0, 100000, 65536}}, .gids = {{0, 100000, 65536}}});
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "oci/linux.h"

namespace agentsafe::namespaces {

struct IdMaps {
  std::vector<oci::IdMapping> uids;
  std::vector<oci::IdMapping> gids;
  [[nodiscard]] bool empty() const { return uids.empty() && gids.empty(); }
};

// The host id of a container id; throws when it is not mapped (an id of process.user or of a device).
[[nodiscard]] std::uint32_t host_id(const std::vector<oci::IdMapping>& map, std::uint32_t container_id,
                                    const char* what);

// Writes /proc/PID/{setgroups,uid_map,gid_map} of a process that made a user namespace and waits. With privileges
// directly; without them a map of just the caller's own id is written directly too (setgroups denied first, as the
// kernel demands), and others by newuidmap(1) and newgidmap(1), looked up in PATH's usual places. The maps are read
// back and compared. Errors name the map and what the user can do (/etc/subuid, package uidmap).
void write_id_maps(pid_t pid, const IdMaps& maps, bool privileged);

}  // namespace agentsafe::namespaces
