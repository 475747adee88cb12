// What the Plan needs to know of the host, probed once per verb and passed as a value, so that planning stays pure.
#pragma once
#include <sys/types.h>

#include "runtime/cgroup/hierarchy.h"

namespace agentsafe::plan {

struct HostFacts {
  uid_t euid = 0;
  gid_t egid = 0;
  uid_t user = 0;                  // whose systemd a rootless runtime asks: euid, as it is called outside our user namespace
  bool in_user_namespace = false;  // the runtime itself runs in one (not the initial one)
  bool may_set_groups = true;      // setgroups(2) works: root, and not denied in its user namespace
  cgroup::Hierarchies cgroups;

  // May create mounts, devices and any id map on the host.
  [[nodiscard]] bool privileged() const { return euid == 0 && !in_user_namespace; }
};

// user_namespaces(7): root may, unless /proc/self/setgroups says "deny" (a namespace that an unprivileged user mapped).
[[nodiscard]] bool may_set_groups(bool in_user_namespace);

// Reads /proc/self/uid_map and the cgroup hierarchies.
[[nodiscard]] HostFacts probe_host();

}  // namespace agentsafe::plan
