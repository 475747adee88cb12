#include "runtime/mount/mount_table.h"

#include <linux/mount.h>

#include <algorithm>

#include "runtime/base/error.h"
#include "runtime/base/text.h"

namespace agentsafe::mount {
namespace {

struct FlagWord {
  std::string_view word;
  std::uint64_t flag;
};
constexpr FlagWord flag_words[] = {
    {"ro", MOUNT_ATTR_RDONLY},     {"nosuid", MOUNT_ATTR_NOSUID},         {"nodev", MOUNT_ATTR_NODEV},
    {"noexec", MOUNT_ATTR_NOEXEC}, {"nodiratime", MOUNT_ATTR_NODIRATIME}, {"nosymfollow", MOUNT_ATTR_NOSYMFOLLOW},
};

// 36 35 98:0 /root /point ro,nosuid shared:1 - type source superblock-options
MountLine parse_line(std::string_view text) {
  const auto fields = text::split(text, ' ');
  const auto dash = std::find(fields.begin(), fields.end(), "-");
  const auto id = text::parse<std::uint64_t>(fields.empty() ? "" : fields[0]);
  const auto parent = text::parse<std::uint64_t>(fields.size() < 2 ? "" : fields[1]);
  if (fields.size() < 9 || dash == fields.end() || dash + 1 == fields.end() || !id || !parent)
    fail("mountinfo has the line \"" + text::escaped(text) + "\"");
  MountLine line{*id, *parent, fields[4], dash[1], 0};
  for (const auto option : text::split(fields[5], ','))
    for (const auto& row : flag_words)
      if (option == row.word) line.flags |= row.flag;
  return line;
}

std::uint64_t visible_flags() {
  std::uint64_t all = 0;
  for (const auto& row : flag_words) all |= row.flag;
  return all;
}

std::string words_of(std::uint64_t flags) {
  std::string words;
  for (const auto& row : flag_words)
    if ((flags & row.flag) != 0) words += (words.empty() ? "" : ",") + std::string(row.word);
  return words;
}

bool is_guarded(std::string_view point) {
  return point == "/proc" || point == "/sys" || point.starts_with("/proc/") || point.starts_with("/sys/");
}

// Our own writes to /proc/self must not end in something that covers it, be it a mask of ours (CVE-2019-16884).
bool is_on_a_process(std::string_view point) {
  return point.starts_with("/proc/") && point.size() > 6 && point[6] >= '0' && point[6] <= '9';
}

const ExpectedMount* find(const std::vector<ExpectedMount>& expected, std::uint64_t id) {
  const auto found = std::find_if(expected.begin(), expected.end(), [&](const auto& e) { return e.id == id; });
  return found == expected.end() ? nullptr : &*found;
}

void compare(const ExpectedMount& wanted, const MountLine& line) {
  if (!wanted.type.empty() && line.type != wanted.type)
    fail(wanted.destination + " is a " + text::escaped(line.type) + ", not a " + wanted.type);
  const bool has_fixed_place = wanted.type == "proc" || wanted.type == "sysfs";
  if (has_fixed_place && line.point != wanted.destination)
    fail(wanted.destination + " was mounted on " + text::escaped(line.point));
  const auto lacking = wanted.flags & visible_flags() & ~line.flags;
  if (lacking != 0) fail(wanted.destination + " is not " + words_of(lacking));
}

}  // namespace

std::vector<MountLine> parse_mount_table(std::string_view mountinfo) {
  std::vector<MountLine> lines;
  for (const auto text : text::lines(mountinfo)) lines.push_back(parse_line(text));
  return lines;
}

void check_mounts(std::string_view mountinfo, const std::vector<ExpectedMount>& expected) {
  const auto lines = parse_mount_table(mountinfo);
  std::size_t found = 0;
  for (const auto& line : lines) {
    if (is_on_a_process(line.point)) fail("a mount lies on " + text::escaped(line.point));
    if (const auto* wanted = find(expected, line.id)) {
      compare(*wanted, line);
      ++found;
      continue;
    }
    const auto* below = find(expected, line.parent);
    if (is_guarded(line.point) && below != nullptr && !below->recursive)
      fail("an unknown mount lies on " + text::escaped(line.point));
  }
  if (found == expected.size()) return;
  for (const auto& wanted : expected)
    if (std::none_of(lines.begin(), lines.end(), [&](const auto& line) { return line.id == wanted.id; }))
      fail(wanted.destination + " is not mounted");
}

}  // namespace agentsafe::mount
