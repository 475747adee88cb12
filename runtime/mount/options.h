// The options of a mount, word by word. Source: config.md#linux-mount-options, mount(8), and crun's words that podman
// uses. A word that is in no row goes to the file system as it is. Of two that contradict each other the later counts.
//
//   MountStep step;
//   apply_option("nosuid", step);        // true; sets MOUNT_ATTR_NOSUID
//   apply_option("size=64k", step);      // false: for the file system
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/mount/rootfs_plan.h"

namespace agentsafe::mount {

using IdMap = std::vector<oci::IdMapping>;
struct IdMaps {  // of the container's user namespace, for idmap=uids=@…
  IdMap uids;
  IdMap gids;
};

// Applies a word of the table to the step; false when it is none. Throws for a malformed idmap=.
bool apply_option(std::string_view word, MountStep& step, const IdMaps& container = {});

// "shared", "rslave", … as MS_SHARED, MS_REC|MS_SLAVE; 0 for another word. Also for linux.rootfsPropagation.
[[nodiscard]] std::uint64_t propagation_of(std::string_view word);

// Every word of the table, sorted: for `agentsafe features`.
[[nodiscard]] std::vector<std::string> mount_option_names();

}  // namespace agentsafe::mount
