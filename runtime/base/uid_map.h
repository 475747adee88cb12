// The ids of a user namespace as /proc/PID/uid_map tells them. Source: user_namespaces(7).
//
//   const UidMap map = parse_uid_map("0 1000 1\n1 100000 65536\n");
//   outside_uid(map, 0)   // 1000, as the namespace that reads it knows 0
//   is_initial(map)       // false: it is not the one that the machine started with
#pragma once
#include <sys/types.h>

#include <optional>
#include <string_view>
#include <vector>

namespace agentsafe {

struct UidRange {
  uid_t inside = 0;
  uid_t outside = 0;
  uid_t size = 0;
};
using UidMap = std::vector<UidRange>;

// Lines that are not three numbers are left out: the kernel writes none.
[[nodiscard]] UidMap parse_uid_map(std::string_view text);

// One line, "0 0 4294967295".
[[nodiscard]] bool is_initial(const UidMap& map);

// nullopt: it is not mapped.
[[nodiscard]] std::optional<uid_t> outside_uid(const UidMap& map, uid_t inside);

}  // namespace agentsafe
