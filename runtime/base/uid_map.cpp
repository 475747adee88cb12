#include "runtime/base/uid_map.h"

#include "runtime/base/text.h"

namespace agentsafe {

UidMap parse_uid_map(std::string_view text) {
  UidMap map;
  for (const std::string_view line : text::lines(text)) {
    const auto words = text::words(line);
    if (words.size() != 3) continue;
    const auto inside = text::parse<uid_t>(words[0]), outside = text::parse<uid_t>(words[1]),
               size = text::parse<uid_t>(words[2]);
    if (inside && outside && size) map.push_back({*inside, *outside, *size});
  }
  return map;
}

bool is_initial(const UidMap& map) {
  constexpr uid_t all = 4294967295;
  return map.size() == 1 && map[0].inside == 0 && map[0].outside == 0 && map[0].size == all;
}

std::optional<uid_t> outside_uid(const UidMap& map, uid_t inside) {
  for (const auto& range : map)
    if (inside >= range.inside && inside - range.inside < range.size) return range.outside + (inside - range.inside);
  return std::nullopt;
}

}  // namespace agentsafe
