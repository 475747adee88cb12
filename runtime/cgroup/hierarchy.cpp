#include "runtime/cgroup/hierarchy.h"

#include <linux/magic.h>
#include <sys/statfs.h>

#include <algorithm>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/sys/fd.h"

namespace agentsafe::cgroup {
namespace {

constexpr const char* usual_mount_point = "/sys/fs/cgroup";
// The root cgroup of the unified hierarchy; in a mount that shows only a part of it, the top has another number.
constexpr ino_t root_inode = 1;

struct CgroupMount {
  std::string root;
  std::string mount_point;
  bool unified = false;
  std::vector<std::string> options;  // of the superblock: "cpu", "name=systemd"
};

std::vector<std::string> strings(const std::vector<std::string_view>& views) { return {views.begin(), views.end()}; }

// mountinfo writes space, tab, newline and backslash as \ooo.
std::string unescape(std::string_view field) {
  std::string out;
  for (std::size_t i = 0; i < field.size(); ++i) {
    const auto code =
        field[i] == '\\' && i + 3 < field.size() ? text::parse<unsigned char>(field.substr(i + 1, 3), 8) : std::nullopt;
    out += code ? static_cast<char>(*code) : field[i];
    if (code) i += 3;
  }
  return out;
}

// "31 23 0:28 /root /mount/point rw,relatime shared:1 - cgroup cgroup rw,cpu"
std::optional<CgroupMount> parse_mount(std::string_view line) {
  const auto dash = line.find(" - cgroup");
  if (dash == std::string_view::npos) return std::nullopt;
  const auto head = text::words(line.substr(0, dash));
  const auto tail = text::words(line.substr(dash + 3));
  if (head.size() < 5 || tail.size() < 3 || (tail[0] != "cgroup" && tail[0] != "cgroup2")) return std::nullopt;
  return CgroupMount{unescape(head[3]), unescape(head[4]), tail[0] == "cgroup2", strings(text::split(tail[2], ','))};
}

bool serves(const CgroupMount& mount, const Membership& membership) {
  if (mount.unified || membership.controllers.empty()) return mount.unified && membership.controllers.empty();
  return std::all_of(membership.controllers.begin(), membership.controllers.end(), [&](const std::string& controller) {
    return std::find(mount.options.begin(), mount.options.end(), controller) != mount.options.end();
  });
}

// The mount to use for a hierarchy: one at the usual place before any other (container roots hold copies).
const CgroupMount* choose(const std::vector<CgroupMount>& mounts, const Membership& membership) {
  const CgroupMount* chosen = nullptr;
  for (const auto& mount : mounts) {
    if (!serves(mount, membership)) continue;
    if (mount.mount_point.starts_with(usual_mount_point)) return &mount;
    if (chosen == nullptr) chosen = &mount;
  }
  return chosen;
}

Mode mode_of(const Hierarchies& found) {
  if (found.v1.empty()) return found.unified ? Mode::v2 : Mode::none;
  return found.unified ? Mode::hybrid : Mode::v1;
}

Hierarchies unified_only(const std::vector<Membership>& memberships) {
  Hierarchies found{Mode::v2, {}, Hierarchy{{}, usual_mount_point, "/", std::nullopt}};
  for (const auto& membership : memberships)
    if (membership.controllers.empty()) found.unified->own = within(membership.path, "/");
  return found;
}

}  // namespace

std::optional<std::string> within(std::string_view cgroup, std::string_view root) {
  // "/.." is how the kernel writes a cgroup outside of the reader's cgroup namespace.
  if (!cgroup.starts_with('/') || cgroup.starts_with("/..") || root.starts_with("/..")) return std::nullopt;
  if (root == "/") return std::string(cgroup);
  if (cgroup == root) return "/";
  if (!cgroup.starts_with(std::string(root) + "/")) return std::nullopt;
  return std::string(cgroup.substr(root.size()));
}

std::vector<Membership> parse_memberships(std::string_view proc_cgroup) {
  std::vector<Membership> memberships;
  for (const auto line : text::lines(proc_cgroup)) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    const auto names = line.substr(first + 1, second - first - 1);
    memberships.push_back({strings(text::split(names, ',')), std::string(line.substr(second + 1))});
  }
  return memberships;
}

Hierarchies parse_hierarchies(std::string_view mountinfo, std::string_view proc_cgroup, bool only_unified) {
  std::vector<CgroupMount> mounts;
  for (const auto line : text::lines(mountinfo))
    if (auto mount = parse_mount(line)) mounts.push_back(std::move(*mount));
  Hierarchies found;
  for (auto& membership : parse_memberships(proc_cgroup)) {
    const CgroupMount* mount = choose(mounts, membership);
    if (mount == nullptr || (only_unified && !mount->unified)) continue;
    Hierarchy hierarchy{std::move(membership.controllers), mount->mount_point, mount->root,
                        within(membership.path, mount->root)};
    if (mount->unified)
      found.unified = std::move(hierarchy);
    else
      found.v1.push_back(std::move(hierarchy));
  }
  std::reverse(found.v1.begin(), found.v1.end());  // /proc/PID/cgroup lists the hierarchies from the last to the first
  found.mode = mode_of(found);
  return found;
}

Hierarchies probe_hierarchies() {
  return in_context("find the cgroup hierarchies", [] {
    const auto proc_cgroup = sys::read_record(sys::at_cwd, "/proc/self/cgroup");
    struct statfs top {};
    const bool only_unified = ::statfs(usual_mount_point, &top) == 0 && top.f_type == CGROUP2_SUPER_MAGIC;
    if (only_unified && sys::try_fstatat(sys::at_cwd, usual_mount_point)->st_ino == root_inode)
      return unified_only(parse_memberships(proc_cgroup));
    return parse_hierarchies(sys::read_file(sys::at_cwd, "/proc/self/mountinfo"), proc_cgroup, only_unified);
  });
}

}  // namespace agentsafe::cgroup
