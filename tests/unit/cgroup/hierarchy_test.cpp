#include "runtime/cgroup/hierarchy.h"

#include <gtest/gtest.h>

namespace agentsafe::cgroup {
namespace {

using Names = std::vector<std::string>;

constexpr const char* v1_mounts =
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:5 - cgroup cgroup rw,cpu,cpuacct\n"
    "36 31 0:33 / /sys/fs/cgroup/devices rw,relatime - cgroup cgroup rw,devices\n"
    "40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd\n";

TEST(HierarchyTest, Version1ListsEachMountedHierarchy) {
  const auto host = parse_hierarchies(v1_mounts, "3:name=systemd:/init\n2:devices:/a\n1:cpu,cpuacct:/\n0::/\n");
  EXPECT_EQ(host.mode, Mode::v1);
  ASSERT_EQ(host.v1.size(), 3U);
  EXPECT_EQ(host.v1[0].controllers, (Names{"cpu", "cpuacct"}));
  EXPECT_EQ(host.v1[0].mount_point, "/sys/fs/cgroup/cpu,cpuacct");
  EXPECT_EQ(host.v1[0].own, "/");
  EXPECT_EQ(host.v1[1].own, "/a");
  EXPECT_EQ(host.v1[2].controllers, (Names{"name=systemd"}));
}

TEST(HierarchyTest, AUnifiedMountBesideVersion1IsHybrid) {
  const auto host = parse_hierarchies(
      std::string(v1_mounts) + "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n", "1:devices:/\n0::/x\n");
  EXPECT_EQ(host.mode, Mode::hybrid);
  ASSERT_TRUE(host.unified);
  EXPECT_EQ(host.unified->mount_point, "/sys/fs/cgroup/unified");
  EXPECT_EQ(host.unified->own, "/x");
}

TEST(HierarchyTest, AControllerThatIsNotMountedIsLeftOut) {
  const auto host = parse_hierarchies(v1_mounts, "2:devices:/\n1:pids:/\n");
  ASSERT_EQ(host.v1.size(), 1U);
  EXPECT_EQ(host.v1[0].controllers, Names{"devices"});
}

TEST(HierarchyTest, InsideAContainerOwnCountsFromTheMountsRoot) {
  const auto host = parse_hierarchies("30 1 0:2 /docker/7a /sys/fs/cgroup ro - cgroup2 cgroup rw,nsdelegate\n",
                                      "0::/docker/7a/nested\n");
  EXPECT_EQ(host.mode, Mode::v2);
  EXPECT_EQ(host.unified->own, "/nested");
  EXPECT_EQ(host.unified->root, "/docker/7a");
}

TEST(HierarchyTest, OwnIsUnknownOutsideOfTheMountOrTheNamespace) {
  EXPECT_EQ(within("/other", "/docker/7a"), std::nullopt);
  EXPECT_EQ(within("/docker/7abc", "/docker/7a"), std::nullopt);
  EXPECT_EQ(within("/../x", "/"), std::nullopt);
  EXPECT_EQ(within("/", "/.."), std::nullopt);
  EXPECT_EQ(within("/docker/7a", "/docker/7a"), "/");
}

TEST(HierarchyTest, TheUsualMountIsPreferredToCopies) {
  const auto host = parse_hierarchies(
      "30 1 0:2 / /var/lib/x/sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
      "31 1 0:2 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n",
      "1:pids:/\n");
  ASSERT_EQ(host.v1.size(), 1U);
  EXPECT_EQ(host.v1[0].mount_point, "/sys/fs/cgroup/pids");
}

TEST(HierarchyTest, EscapedMountPointsAreRead) {
  const auto host = parse_hierarchies("30 1 0:2 / /my\\040cgroups rw - cgroup2 none rw\n", "0::/\n");
  EXPECT_EQ(host.unified->mount_point, "/my cgroups");
}

TEST(HierarchyTest, UnreadableLinesAndNoMountsGiveNone) {
  EXPECT_EQ(parse_hierarchies("nonsense - cgroup\n\n - cgroup cgroup rw\n", "x\n1:cpu\n0::/\n").mode, Mode::none);
  EXPECT_EQ(parse_hierarchies("", "").mode, Mode::none);
}

TEST(HierarchyTest, OnlyUnifiedDisregardsVersion1) {
  const auto host = parse_hierarchies(std::string(v1_mounts) + "41 31 0:38 /a /sys/fs/cgroup rw - cgroup2 none rw\n",
                                      "1:devices:/\n0::/a/b\n", true);
  EXPECT_EQ(host.mode, Mode::v2);
  EXPECT_TRUE(host.v1.empty());
}

TEST(HierarchyTest, ThisHostCanBeProbed) { EXPECT_NO_THROW((void)probe_hierarchies()); }

}  // namespace
}  // namespace agentsafe::cgroup
