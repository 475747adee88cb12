#include <fcntl.h>
#include <linux/stat.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/mount/rootfs.h"
#include "runtime/sys/fd.h"

namespace agentsafe::mount {
namespace {

std::uint64_t mount_id(FdRef tree) {
  struct statx info {};
  if (::statx(tree.get(), "", AT_EMPTY_PATH, STATX_MNT_ID, &info) != 0) fail_errno("statx");
  return info.stx_mnt_id;
}

// One line of proc_pid_mountinfo(5): 36 35 98:0 /root /point options tags… - type source superblock-options
struct Line {
  std::uint64_t id = 0;
  std::uint64_t parent = 0;
  std::string_view point;
  std::string_view type;
  bool readonly = false;
};

Line parse_line(std::string_view text) {
  const auto fields = text::split(text, ' ');
  const auto dash = std::find(fields.begin(), fields.end(), "-");
  if (fields.size() < 7 || dash == fields.end() || dash + 1 == fields.end()) fail("mountinfo: \"" + text::escaped(text) + "\"");
  const auto options = text::split(fields[5], ',');
  return {text::parse<std::uint64_t>(fields[0]).value_or(0), text::parse<std::uint64_t>(fields[1]).value_or(0), fields[4],
          dash[1], std::find(options.begin(), options.end(), "ro") != options.end()};
}

bool is_guarded(std::string_view point) {
  for (const std::string_view top : {"/proc", "/sys"})
    if (point.starts_with(top) && (point.size() == top.size() || point[top.size()] == '/')) return true;
  return false;
}

}  // namespace

void Rootfs::record(FdRef tree, const std::string& destination, const std::string& type, bool readonly, bool recursive) {
  attached_.push_back({mount_id(tree), destination, type, readonly, recursive});
}

// Everything that was attached is there with its type and read-only flag, and nothing else lies on /proc or /sys, but
// what came along with a recursive bind. A race or a trick that sent a mount elsewhere is seen here.
void Rootfs::verify(FdRef proc) const {
  const std::string table = sys::read_file(proc, "self/mountinfo");
  std::vector<Line> lines;
  for (const auto text : text::lines(table)) lines.push_back(parse_line(text));
  for (const auto& expected : attached_) {
    const auto line = std::find_if(lines.begin(), lines.end(), [&](const Line& l) { return l.id == expected.id; });
    if (line == lines.end()) fail(expected.destination + " is not mounted any more");
    if (!expected.type.empty() && line->type != expected.type && expected.type != "sysfs")
      fail(expected.destination + " is a " + std::string(line->type) + ", not a " + expected.type);
    if (expected.readonly && !line->readonly) fail(expected.destination + " is not read-only");
  }
  for (const auto& line : lines) {
    if (!is_guarded(line.point)) continue;
    const auto known = [&](std::uint64_t id, bool only_recursive) {
      return std::any_of(attached_.begin(), attached_.end(),
                         [&](const Attached& a) { return a.id == id && (!only_recursive || a.recursive); });
    };
    // what a recursive bind brought hangs, through mounts of its own kind, below a mount that we attached
    std::uint64_t id = line.parent;
    bool brought = known(line.id, false);
    while (!brought) {
      if (known(id, true)) {
        brought = true;
        break;
      }
      const auto above = std::find_if(lines.begin(), lines.end(), [&](const Line& l) { return l.id == id; });
      if (above == lines.end() || !is_guarded(above->point)) break;
      id = above->parent;
    }
    if (!brought) fail("an unknown mount lies on " + text::escaped(line.point));
  }
}

}  // namespace agentsafe::mount
