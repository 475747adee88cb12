// What harden() must know of the host, as plain values: the bundle's text does not say which paths lead to what.
//
//   Surroundings around = look_around(spec, bundle, policy);
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "oci/host_namespaces.h"
#include "oci/spec.h"
#include "runtime/policy/policy.h"

namespace agentsafe::policy {

struct SocketMount {
  std::string destination;  // of the mount
  std::string socket;       // "/run/docker.sock", or what else it leads to
  bool of_engine = false;   // whoever reaches it commands the host
};

struct Surroundings {
  oci::HostNamespaces host_namespaces;     // listed in the spec, but the host's
  std::vector<SocketMount> sockets;        // that bind mounts of the spec lead to
  std::vector<std::string> device_mounts;  // destinations of bind mounts of device nodes
  bool cgroup_v2 = false;                  // all controllers are on version 2
  bool limits_swap = true;                 // memory and swap together can be limited
  std::uint64_t open_files = UINT64_MAX;   // our own hard limit
  std::uint64_t half_memory = 0;           // bytes: half of the host's
  std::string no_own_ids;                  // why the container cannot have host ids of its own; "": it can
  std::string scratch_dir;                 // where layers on disk lie; only filled in for a policy that wants one
  std::string no_disk_scratch;             // why there can be none; "": there can
};

// Looks at paths, changes nothing. bundle: absolute, where relative sources of mounts begin.
[[nodiscard]] Surroundings look_around(const oci::Spec& spec, const std::string& bundle, const Policy& policy);
// What an exec or an update needs, without a look at mounts.
[[nodiscard]] Surroundings look_around();

}  // namespace agentsafe::policy
