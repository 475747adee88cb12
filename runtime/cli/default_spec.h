// The config.json that `spec` writes: sh in a read-only folder rootfs, with few capabilities. Pure.
#pragma once
#include <cstdint>

#include "oci/spec.h"

namespace agentsafe::cli {

// cgroup2: on such hosts the container gets a cgroup namespace, so that it sees only its own part of the tree.
[[nodiscard]] oci::Spec default_spec(bool cgroup2);

// The same for a user who is not root: a user namespace in which only this user and group exist, the host's network,
// no limits.
[[nodiscard]] oci::Spec rootless_spec(std::uint32_t uid, std::uint32_t gid, bool cgroup2);

}  // namespace agentsafe::cli
