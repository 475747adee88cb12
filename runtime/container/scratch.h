// Scratch layers on disk (fs.scratch "disk"): a folder for each container, and a project of its own whose quota it is
// (sys/quota.h). Below the operator's scratch_dir a folder is named by its project; the link "container" in it holds
// the boot and the container's state folder. So two roots of states do not collide, and what a container that is gone
// has left is removed by the next one.
//
//   const std::string folder = take_scratch("/var/lib/agentsafe/scratch", state_dir, {1 << 30, 1 << 20, uid});
//   release_scratch(folder);
//
// Projects: 1634140160 … 1634205695 (0x61670000, "ag"); those that somebody else's files belong to are left out.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>

namespace agentsafe::container {

struct ScratchLimits {
  std::uint64_t bytes = 0;
  std::uint64_t inodes = 0;
  uid_t owner = 0;  // of the folder
};

// Throws when scratch_dir can be written by others, its file system has no project quotas, or all projects are taken.
[[nodiscard]] std::string take_scratch(const std::string& scratch_dir, const std::string& state_dir,
                                       const ScratchLimits& limits);
// Files, limits and folder; nothing when it is gone already. The container's processes have ended.
void release_scratch(const std::string& folder);
// All that this container has: of one that was killed before it wrote down which.
void release_scratch_of(const std::string& scratch_dir, const std::string& state_dir);

}  // namespace agentsafe::container
