// The mount table of the container compared with what was attached. Source: proc_pid_mountinfo(5), security.md rule 5.
//
//   check_mounts(sys::read_file(proc, "self/mountinfo"), expected);   // throws for what is missing, changed or unknown
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace agentsafe::mount {

struct MountLine {
  std::uint64_t id = 0;
  std::uint64_t parent = 0;
  std::string_view point;  // as the kernel escapes it
  std::string_view type;
  std::uint64_t flags = 0;  // MOUNT_ATTR_RDONLY, NOSUID, NODEV, NOEXEC, NODIRATIME, NOSYMFOLLOW
};
// The views point into the text. Throws for a line that is no line of mountinfo.
[[nodiscard]] std::vector<MountLine> parse_mount_table(std::string_view mountinfo);

struct ExpectedMount {
  std::uint64_t id = 0;
  std::string destination;
  std::string type;         // empty: whatever the source has
  std::uint64_t flags = 0;  // all of them must be set; bits that MountLine does not know are not compared
  bool recursive = false;   // it may have brought mounts of its own
};

// Each expected mount is there, with its type and flags, procfs and sysfs at their very place; no other mount lies
// directly on one that brought none, below /proc or /sys; none lies on /proc/PID.
void check_mounts(std::string_view mountinfo, const std::vector<ExpectedMount>& expected);

}  // namespace agentsafe::mount
