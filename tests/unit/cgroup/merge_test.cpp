#include "runtime/cgroup/merge.h"

#include <gtest/gtest.h>

namespace agentsafe::cgroup {
namespace {

oci::Resources current() {
  oci::Resources resources;
  resources.devices = {{.allow = false, .access = "rwm"}};
  resources.memory = {.limit = 100, .reservation = 50, .swap = 200};
  resources.cpu = {.shares = 512, .quota = 5000, .period = 10'000, .cpus = "0"};
  resources.pids = {.limit = 10};
  return resources;
}

TEST(MergeTest, NothingChangesNothing) {
  const auto merged = merge(current(), {});
  EXPECT_EQ(merged.memory->limit, 100);
  EXPECT_EQ(merged.cpu->cpus, "0");
  EXPECT_EQ(merged.pids->limit, 10);
}

TEST(MergeTest, ZerosAndAbsentValuesKeep) {
  oci::Resources change;
  change.memory = {.limit = 0, .swap = 0};
  change.cpu = {.shares = 0, .quota = 7000};
  const auto merged = merge(current(), change);
  EXPECT_EQ(merged.memory->limit, 100);
  EXPECT_EQ(merged.memory->swap, 200);
  EXPECT_EQ(merged.cpu->shares, 512U);
  EXPECT_EQ(merged.cpu->quota, 7000);
  EXPECT_EQ(merged.cpu->period, 10'000U);
}

TEST(MergeTest, LiftingTheMemoryLimitLiftsSwap) {
  oci::Resources change;
  change.memory = {.limit = -1};
  EXPECT_EQ(merge(current(), change).memory->swap, -1);
  change.memory->swap = 300;
  EXPECT_EQ(merge(current(), change).memory->swap, 300);
}

TEST(MergeTest, ZeroPidsAreALimit) {
  oci::Resources change;
  change.pids = {.limit = 0};
  EXPECT_EQ(merge(current(), change).pids->limit, 0);
}

TEST(MergeTest, DeviceEntriesReplaceTheirLikes) {
  oci::Resources before = current();
  before.blockIO = {.throttleReadBpsDevice = {{8, 0, 1}, {8, 16, 2}}};
  oci::Resources change;
  change.blockIO = {.throttleReadBpsDevice = {{8, 16, 5}, {8, 32, 6}}};
  change.hugepageLimits = {{"2MB", 4}};
  change.unified = {{"memory.high", "3"}};
  const auto merged = merge(before, change);
  ASSERT_EQ(merged.blockIO->throttleReadBpsDevice.size(), 3U);
  EXPECT_EQ(merged.blockIO->throttleReadBpsDevice[1].rate, 5U);
  EXPECT_EQ(merged.hugepageLimits.size(), 1U);
  EXPECT_EQ(merged.unified.at("memory.high"), "3");
}

TEST(MergeTest, DevicesAreNeverTouched) {
  oci::Resources change;
  change.devices = {{.allow = true, .access = "rwm"}};
  const auto merged = merge(current(), change);
  ASSERT_EQ(merged.devices.size(), 1U);
  EXPECT_FALSE(merged.devices[0].allow);
  EXPECT_TRUE(affected(change, merged).devices.empty());
}

TEST(MergeTest, BoundValuesAreWrittenTogetherAndOthersNotAtAll) {
  oci::Resources change;
  change.memory = {.limit = 150};
  change.cpu = {.period = 20'000};
  const auto part = affected(change, merge(current(), change));
  EXPECT_EQ(part.memory->limit, 150);
  EXPECT_EQ(part.memory->swap, 200);
  EXPECT_FALSE(part.memory->reservation);
  EXPECT_EQ(part.cpu->quota, 5000);
  EXPECT_FALSE(part.cpu->shares);
  EXPECT_TRUE(part.cpu->cpus.empty());
  EXPECT_FALSE(part.pids);
}

}  // namespace
}  // namespace agentsafe::cgroup
