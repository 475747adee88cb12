#include "runtime/container/id_ranges.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "runtime/base/error.h"
#include "runtime/base/hash.h"
#include "runtime/base/text.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"

namespace agentsafe::container {
namespace {

constexpr IdSpan usual_span{0x60000000, 0x10000000};
constexpr std::string_view our_name = "agentsafe";
constexpr std::size_t longest_path = 4096;

struct Line {
  std::string_view owner;
  IdSpan span;
};

// subuid(5): OWNER:FIRST:COUNT
std::vector<Line> parse(std::string_view text) {
  std::vector<Line> lines;
  for (const auto line : text::lines(text)) {
    const auto parts = text::split(text::trim(line), ':');
    if (parts.size() != 3) continue;
    const auto first = text::parse<std::uint32_t>(parts[1]);
    const auto count = text::parse<std::uint32_t>(parts[2]);
    if (first && count && *count > 0) lines.push_back({parts[0], {*first, *count}});
  }
  return lines;
}

std::optional<IdSpan> ours_in(const std::vector<Line>& lines) {
  for (const auto& line : lines)
    if (line.owner == our_name) return line.span;
  return std::nullopt;
}

bool overlap(const IdSpan& a, const IdSpan& b) { return a.first < b.first + b.count && b.first < a.first + a.count; }

UniqueFd lock_registry(const std::string& registry) {
  sys::mkdir_all(registry, 0700);
  UniqueFd folder = sys::openat(sys::at_cwd, registry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (::flock(folder.get(), LOCK_EX) != 0) fail_errno("lock " + registry);
  return folder;
}

// Under the lock. A container that was killed in the middle of create, and then deleted, has not given its range back.
bool try_take(FdRef folder, const std::string& name, const std::string& state_dir) {
  UniqueFd file = sys::maybe_openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  if (!file && errno != EEXIST) fail_errno("take the ids from " + name + " on");
  if (!file) {
    const std::string holder = sys::read_file(folder, name, longest_path);
    if (holder != state_dir && sys::try_fstatat(sys::at_cwd, holder)) return false;
    file = sys::openat(folder, name, O_WRONLY | O_TRUNC | O_NOFOLLOW);
  }
  sys::write_all(file, state_dir);
  return true;
}

}  // namespace

AllowedIds allowed_ids(std::string_view subuid, std::string_view subgid) {
  const auto uids = parse(subuid);
  const auto gids = parse(subgid);
  const auto our_uids = ours_in(uids);
  const auto our_gids = ours_in(gids);
  const bool same = our_uids.has_value() == our_gids.has_value() &&
                    (!our_uids || (our_uids->first == our_gids->first && our_uids->count == our_gids->count));
  if (!same || (our_uids && our_uids->count < ids_of_container))
    fail(
        "process.userns: /etc/subuid and /etc/subgid must give agentsafe the same ids, at least 65536: "
        "agentsafe:1610612736:268435456");
  AllowedIds allowed{our_uids.value_or(usual_span), {}};
  for (const auto* lines : {&uids, &gids})
    for (const auto& line : *lines)
      if (line.owner != our_name) allowed.of_others.push_back(line.span);
  return allowed;
}

AllowedIds allowed_ids() {
  return allowed_ids(sys::try_read_file(sys::at_cwd, "/etc/subuid").value_or(""),
                     sys::try_read_file(sys::at_cwd, "/etc/subgid").value_or(""));
}

std::uint32_t take_id_range(const std::string& registry, const AllowedIds& allowed, const std::string& state_dir) {
  const UniqueFd folder = lock_registry(registry);
  const std::uint64_t ranges = allowed.span.count / ids_of_container;
  const std::uint64_t begin = fnv1a(state_dir) % ranges;  // neighbours in time are no neighbours in ids: mostly free
  for (std::uint64_t i = 0; i < ranges; ++i) {
    const IdSpan range{allowed.span.first + (begin + i) % ranges * ids_of_container, ids_of_container};
    if (range.first + range.count > UINT32_MAX) continue;
    const auto is_theirs = [&](const IdSpan& other) { return overlap(range, other); };
    if (std::any_of(allowed.of_others.begin(), allowed.of_others.end(), is_theirs)) continue;
    if (try_take(folder, std::to_string(range.first), state_dir)) return static_cast<std::uint32_t>(range.first);
  }
  fail("process.userns: all " + std::to_string(ranges) +
       " ranges of ids are in use: give agentsafe more of them in /etc/subuid and /etc/subgid, or take a policy with "
       "process.userns \"off\"");
}

void release_id_range(const std::string& registry, std::uint32_t first, const std::string& state_dir) {
  const UniqueFd folder = lock_registry(registry);
  const std::string name = std::to_string(first);
  if (sys::try_read_file(folder, name, longest_path) == state_dir) sys::unlinkat(folder, name);
}

void release_id_ranges_of(const std::string& registry, const std::string& state_dir) {
  if (!sys::try_fstatat(sys::at_cwd, registry)) return;
  const UniqueFd folder = lock_registry(registry);
  for (const auto& name : sys::list_directory(folder))
    if (sys::try_read_file(folder, name, longest_path) == state_dir) sys::unlinkat(folder, name);
}

UniqueFd make_user_namespace(std::uint32_t first) {
  const std::string map = "0 " + std::to_string(first) + " " + std::to_string(ids_of_container) + "\n";
  return in_context("make the container's user namespace", [&] { return sys::user_namespace(map, map); });
}

}  // namespace agentsafe::container
