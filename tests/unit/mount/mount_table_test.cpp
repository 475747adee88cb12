#include "runtime/mount/mount_table.h"

#include <gtest/gtest.h>
#include <linux/mount.h>

#include "runtime/base/error.h"

namespace agentsafe::mount {
namespace {

constexpr const char* table =
    "10 1 8:1 /rootfs / rw,relatime - ext4 /dev/sda rw\n"
    "11 10 0:5 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw\n"
    "12 11 0:5 /sys /proc/sys ro,nosuid,nodev,noexec,relatime - proc proc rw\n"
    "13 10 0:6 / /sys ro,nosuid master:3 - sysfs sysfs rw\n"
    "14 13 0:7 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n";

std::vector<ExpectedMount> expected() {
  return {{10, "/", "", 0, true},
          {11, "/proc", "proc", MOUNT_ATTR_NOSUID, false},
          {12, "/proc/sys", "", MOUNT_ATTR_RDONLY, true},
          {13, "/sys", "sysfs", MOUNT_ATTR_RDONLY, false},
          {14, "/sys/fs/cgroup", "cgroup2", MOUNT_ATTR_RDONLY, false}};
}

std::string complaint(const std::vector<ExpectedMount>& mounts, const std::string& text = table) {
  try {
    check_mounts(text, mounts);
  } catch (const Error& error) {
    return error.message();
  }
  return "";
}

TEST(MountTableTest, ReadsLines) {
  const auto lines = parse_mount_table(table);
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_EQ(lines[3].parent, 10U);
  EXPECT_EQ(lines[3].type, "sysfs");
  EXPECT_EQ(lines[2].flags,
            std::uint64_t{MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC});
  for (const char* bad : {"x\n", "1 2 3 4 5 6 7 8\n", "a b 0:1 / / rw - t s o\n", "1 2 0:1 / / rw -\n", "\n\n"})
    EXPECT_THROW(static_cast<void>(parse_mount_table(bad)), Error) << bad;
}

TEST(MountTableTest, AcceptsWhatWasDone) { EXPECT_EQ(complaint(expected()), ""); }

TEST(MountTableTest, SeesWhatIsMissing) {
  auto mounts = expected();
  mounts.push_back({99, "/data", "", 0, false});
  EXPECT_EQ(complaint(mounts), "/data is not mounted");
}

TEST(MountTableTest, SeesAnotherType) {
  auto mounts = expected();
  mounts[4].type = "tmpfs";
  EXPECT_EQ(complaint(mounts), "/sys/fs/cgroup is a cgroup2, not a tmpfs");
}

TEST(MountTableTest, SeesALostFlag) {
  auto mounts = expected();
  mounts[1].flags |= MOUNT_ATTR_RDONLY;
  EXPECT_EQ(complaint(mounts), "/proc is not ro");
}

TEST(MountTableTest, SeesAProcThatIsElsewhere) {
  auto mounts = expected();
  mounts[1].destination = "/real/proc";
  EXPECT_EQ(complaint(mounts), "/real/proc was mounted on /proc");
}

TEST(MountTableTest, NothingMayLieOnAProcess) {
  auto mounts = expected();
  mounts.push_back({20, "/link", "", 0, false});
  EXPECT_EQ(complaint(mounts, std::string(table) + "20 11 0:9 / /proc/1/attr rw - tmpfs mask rw\n"),
            "a mount lies on /proc/1/attr");
}

TEST(MountTableTest, SeesAnUnknownMountOnProcOrSys) {
  EXPECT_EQ(complaint(expected(), std::string(table) + "20 11 0:9 / /proc/bus rw - tmpfs evil rw\n"),
            "an unknown mount lies on /proc/bus");
  EXPECT_EQ(complaint(expected(), std::string(table) + "20 11 0:9 / /proc rw - tmpfs evil rw\n"),
            "an unknown mount lies on /proc");
  EXPECT_EQ(complaint(expected(), std::string(table) + "20 12 0:9 / /proc/sys/fs/binfmt_misc rw - binfmt_misc b rw\n"),
            "")
      << "a recursive copy brings its own";
  EXPECT_EQ(complaint(expected(), std::string(table) + "20 10 0:9 / /system rw - tmpfs t rw\n"), "");
}

}  // namespace
}  // namespace agentsafe::mount
