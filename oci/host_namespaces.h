// Which namespaces of a container are the runtime's own although linux.namespaces lists them: a path may lead to the
// host's, and what the container sets there (sysctls, the host name) would be set on the host.
//
//   oci::host_namespaces(spec)   // {"network"} for {"type": "network", "path": "/proc/1/ns/net"} on the host
#pragma once
#include <set>
#include <string>

#include "oci/spec.h"

namespace agentsafe::oci {

using HostNamespaces = std::set<std::string>;  // types as in linux.namespaces

// Compares each path with /proc/self/ns. A path that cannot be looked up is not the host's: joining it will fail.
[[nodiscard]] HostNamespaces host_namespaces(const Spec& spec);

struct NamespaceFacts {  // which namespaces the container has apart from the host's
  bool user = false;
  bool network = false;
  bool ipc = false;
  bool uts = false;
  bool mount = false;
  bool new_user = false;  // created, not joined
  bool new_time = false;
};
[[nodiscard]] NamespaceFacts namespace_facts(const Spec& spec, const HostNamespaces& host);

}  // namespace agentsafe::oci
