// `update`: what a container's resources are after a change, and which of them must be written for it. Pure.
// Semantics: an absent property (or a zero, see knobs.h) keeps its value; memory.limit -1 without a swap also lifts
// the swap limit; devices are never touched (GPU tools add rules of their own behind our back).
//
//   oci::Resources merged = merge(current, change);       // to be kept in the state
//   apply(affected(change, merged));
#pragma once
#include "oci/linux.h"

namespace agentsafe::cgroup {

[[nodiscard]] oci::Resources merge(const oci::Resources& current, const oci::Resources& change);

// Of `merged`, what `change` touches, with the values it is bound to: limit with swap, quota with period and burst,
// shares with idle. No devices.
[[nodiscard]] oci::Resources affected(const oci::Resources& change, const oci::Resources& merged);

}  // namespace agentsafe::cgroup
