// Host ids for containers with a user namespace of their own: 64K of them, uids and gids alike, for each. A range is a
// file of the registry, named by its first id, that holds the folder of the container's state; so two roots of states
// do not collide, and the range of a container that is gone is taken again.
//
//   const auto first = take_id_range(id_registry, allowed_ids(), state_dir);   // 1610612736
//   release_id_range(id_registry, first, state_dir);
//
// Which ids: the line "agentsafe:FIRST:COUNT" of /etc/subuid, which /etc/subgid must have too; without one,
// 0x60000000 … 0x6fffffff, the upper part of what systemd's UIDS-GIDS.md leaves to containers and above what useradd(8)
// hands out. Ranges that these files give to others are left out.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/unique_fd.h"

namespace agentsafe::container {

inline constexpr const char* id_registry = "/run/agentsafe-ids";
inline constexpr std::uint32_t ids_of_container = 65536;

struct IdSpan {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
};
struct AllowedIds {
  IdSpan span;
  std::vector<IdSpan> of_others;
};

// From the texts of /etc/subuid and /etc/subgid. Throws when they give agentsafe different ranges, or less than one.
[[nodiscard]] AllowedIds allowed_ids(std::string_view subuid, std::string_view subgid);
// Of this host.
[[nodiscard]] AllowedIds allowed_ids();

// The first id of a range that nobody has; throws when there is none left.
[[nodiscard]] std::uint32_t take_id_range(const std::string& registry, const AllowedIds& allowed,
                                          const std::string& state_dir);
// Only when it is this container's.
void release_id_range(const std::string& registry, std::uint32_t first, const std::string& state_dir);

// All that this container has: of one that was killed before it wrote down which.
void release_id_ranges_of(const std::string& registry, const std::string& state_dir);

// The user namespace that shows them as 0 … 65535.
[[nodiscard]] UniqueFd make_user_namespace(std::uint32_t first);

}  // namespace agentsafe::container
