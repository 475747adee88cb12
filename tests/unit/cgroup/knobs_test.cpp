#include "runtime/cgroup/knobs.h"

#include "tests/unit/cgroup/fake_tree.h"

namespace agentsafe::cgroup {
namespace {

using Lines = std::vector<std::string>;

Lines texts(const std::vector<Write>& writes) {
  Lines lines;
  for (const auto& write : writes) lines.push_back(write.file + " = " + write.value);
  return lines;
}
Lines v1(const oci::Resources& resources, KnobOptions options = {}) { return texts(v1_writes(resources, options)); }
Lines v2(const oci::Resources& resources, KnobOptions options = {}) { return texts(v2_writes(resources, options)); }
oci::Resources with(oci::Cpu cpu) {
  oci::Resources resources;
  resources.cpu = std::move(cpu);
  return resources;
}
oci::Resources with(oci::Memory memory) {
  oci::Resources resources;
  resources.memory = memory;
  return resources;
}

TEST(KnobsTest, SharesBecomeWeights) {
  const std::pair<std::uint64_t, std::uint64_t> pairs[] = {
      {1, 1},           {2, 1}, {256, 35}, {512, 59}, {1024, 100}, {2048, 174}, {262'143, 10'000}, {262'144, 10'000},
      {1 << 30, 10'000}};
  for (const auto& [shares, weight] : pairs) EXPECT_EQ(weight_from_shares(shares), weight) << shares;
}

TEST(KnobsTest, SharesBecomeWeightsInOrder) {
  for (std::uint64_t shares = 3; shares < 262'144; shares += 7)
    ASSERT_LE(weight_from_shares(shares - 1), weight_from_shares(shares)) << shares;
}

TEST(KnobsTest, BlkioWeightsBecomeIoWeights) {
  EXPECT_EQ(io_weight_from_blkio(10), 1U);
  EXPECT_EQ(io_weight_from_blkio(1000), 10'000U);
  EXPECT_EQ(io_weight_from_blkio(500), 4950U);
}

TEST(KnobsTest, Cpu) {
  const auto resources = with(oci::Cpu{
      .shares = 512, .quota = 50'000, .burst = 1000, .period = 200'000, .cpus = "0-1", .mems = "0", .idle = 0});
  EXPECT_EQ(v1(resources),
            (Lines{"cpuset.cpus = 0-1", "cpuset.mems = 0", "cpu.shares = 512", "cpu.cfs_period_us = 200000",
                   "cpu.cfs_quota_us = 50000", "cpu.cfs_burst_us = 1000", "cpu.idle = 0"}));
  EXPECT_EQ(v2(resources), (Lines{"cpuset.cpus = 0-1", "cpuset.mems = 0", "cpu.idle = 0", "cpu.weight = 59",
                                  "cpu.max = 50000 200000", "cpu.max.burst = 1000"}));
}

TEST(KnobsTest, QuotaAloneKeepsThePeriodAndPeriodAloneIsNoLimit) {
  EXPECT_EQ(v2(with(oci::Cpu{.quota = 5000})), Lines{"cpu.max = 5000"});
  EXPECT_EQ(v2(with(oci::Cpu{.period = 5000})), Lines{"cpu.max = max 5000"});
  EXPECT_EQ(v2(with(oci::Cpu{.quota = -1})), Lines{"cpu.max = max"});
  EXPECT_EQ(v1(with(oci::Cpu{.quota = -5})), Lines{"cpu.cfs_quota_us = -1"});
}

TEST(KnobsTest, ZerosOfCpuMeanNotGiven) {
  const auto zeros = with(oci::Cpu{.shares = 0, .quota = 0, .period = 0, .realtimeRuntime = 0, .realtimePeriod = 0});
  EXPECT_EQ(v1(zeros), Lines{});
  EXPECT_EQ(v2(zeros), Lines{});
}

TEST(KnobsTest, AnIdleCgroupGetsNoWeight) {
  EXPECT_EQ(v2(with(oci::Cpu{.shares = 512, .idle = 1})), Lines{"cpu.idle = 1"});
}

TEST(KnobsTest, RealtimeIsForVersion1) {
  const auto resources = with(oci::Cpu{.realtimeRuntime = 950'000, .realtimePeriod = 1'000'000});
  EXPECT_EQ(v1(resources), (Lines{"cpu.rt_period_us = 1000000", "cpu.rt_runtime_us = 950000"}));
  EXPECT_NE(error_of([&] { (void)v2(resources); }).find("cannot be enforced"), std::string::npos);
}

TEST(KnobsTest, SharesThatTheKernelWouldClampAreRefused) {
  EXPECT_NE(error_of([] { (void)v1(with(oci::Cpu{.shares = 1})); }).find("out of range"), std::string::npos);
  EXPECT_NE(error_of([] { (void)v1(with(oci::Cpu{.shares = 262'145})); }).find("out of range"), std::string::npos);
}

TEST(KnobsTest, Memory) {
  const auto resources = with(oci::Memory{.limit = 1000, .reservation = 500, .swap = 3000, .swappiness = 60});
  EXPECT_EQ(texts(v1_memory_writes(resources)),
            (Lines{"memory.limit_in_bytes = 1000", "memory.memsw.limit_in_bytes = 3000",
                   "memory.soft_limit_in_bytes = 500", "memory.swappiness = 60"}));
  EXPECT_EQ(texts(v2_memory_writes(resources)),
            (Lines{"memory.swap.max = 2000", "memory.max = 1000", "memory.low = 500"}));
}

TEST(KnobsTest, UnlimitedMemoryMeansUnlimitedSwap) {
  const auto resources = with(oci::Memory{.limit = -1});
  EXPECT_EQ(texts(v1_memory_writes(resources)),
            (Lines{"memory.limit_in_bytes = -1", "memory.memsw.limit_in_bytes = -1"}));
  EXPECT_EQ(texts(v2_memory_writes(resources)), (Lines{"memory.swap.max = max", "memory.max = max"}));
}

TEST(KnobsTest, SwapCountsMemoryToo) {
  EXPECT_EQ(swap_for_v2({.limit = 5, .swap = 5}), "0");
  EXPECT_EQ(swap_for_v2({.limit = 5, .swap = -1}), "max");
  EXPECT_EQ(swap_for_v2({.limit = 5}), std::nullopt);
  EXPECT_EQ(swap_for_v2({.limit = 5, .swap = 0}), std::nullopt);
  EXPECT_NE(error_of([] { (void)swap_for_v2({.limit = 5, .swap = 4}); }).find("at least the memory"),
            std::string::npos);
  EXPECT_NE(error_of([] { (void)swap_for_v2({.swap = 4}); }).find("needs a memory limit"), std::string::npos);
  EXPECT_NE(error_of([] { (void)v1_memory_writes(with(oci::Memory{.limit = 5, .swap = 4})); }), "no error");
}

TEST(KnobsTest, ASwapLimitOfZeroOrNoneMayMeetAKernelWithoutSwap) {
  EXPECT_TRUE(v2_memory_writes(with(oci::Memory{.limit = 5, .swap = 5})).front().may_be_absent);
  EXPECT_FALSE(v2_memory_writes(with(oci::Memory{.limit = 5, .swap = 6})).front().may_be_absent);
}

TEST(KnobsTest, TheOomKillerStaysOnUnlessVersion1IsToldOtherwise) {
  EXPECT_TRUE(v1_memory_writes(with(oci::Memory{.disableOOMKiller = false})).empty());
  EXPECT_TRUE(v2_memory_writes(with(oci::Memory{.disableOOMKiller = false})).empty());
  EXPECT_EQ(texts(v1_memory_writes(with(oci::Memory{.disableOOMKiller = true}))), Lines{"memory.oom_control = 1"});
  EXPECT_NE(error_of([] { (void)v2_memory_writes(with(oci::Memory{.disableOOMKiller = true})); }), "no error");
}

TEST(KnobsTest, SwappinessIsCheckedAndMinusOneMeansNotGiven) {
  EXPECT_TRUE(v1_memory_writes(with(oci::Memory{.swappiness = UINT64_MAX})).empty());
  EXPECT_NE(error_of([] { (void)v1_memory_writes(with(oci::Memory{.swappiness = 101})); }), "no error");
}

TEST(KnobsTest, KernelMemoryIsLeftOut) {
  EXPECT_TRUE(v1_memory_writes(with(oci::Memory{.kernel = 1, .kernelTCP = 1})).empty());
}

TEST(KnobsTest, WhatVersion2HasNoSettingForIsIgnoredWithAWarning) {
  CgroupPlan version1;
  version1.v1.push_back({{"memory"}, "/sys/fs/cgroup/memory", "/", "/web"});
  CgroupPlan version2;
  version2.unified = {{}, "/sys/fs/cgroup", "/", "/web"};
  auto resources = with(oci::Memory{.swappiness = 10});
  resources.network = oci::Network{.classID = 1, .priorities = {{"eth0", 2}}};
  resources.blockIO = oci::BlockIO{};
  resources.blockIO->leafWeight = 20;
  EXPECT_EQ(ignored_resources(resources, version2).size(), 4U);
  EXPECT_TRUE(ignored_resources(resources, version1).empty());
  EXPECT_TRUE(ignored_resources(with(oci::Memory{.swappiness = UINT64_MAX}), version2).empty());
}

TEST(KnobsTest, ZeroPidsAreALimitAndMinusOneIsNone) {
  oci::Resources resources;
  resources.pids = {.limit = 0};
  EXPECT_EQ(v1(resources), Lines{"pids.max = 0"});
  resources.pids = {.limit = -1};
  EXPECT_EQ(v2(resources), Lines{"pids.max = max"});
  EXPECT_TRUE(v2_writes(resources, {}).front().is_default);
}

oci::Resources with_block_io() {
  oci::Resources resources;
  resources.blockIO = {.weight = 500,
                       .leafWeight = 300,
                       .weightDevice = {{8, 0, 200, 100}},
                       .throttleReadBpsDevice = {{8, 0, 1000}},
                       .throttleWriteBpsDevice = {{8, 16, 2000}},
                       .throttleReadIOPSDevice = {{8, 0, 30}},
                       .throttleWriteIOPSDevice = {{8, 0, 0}}};
  return resources;
}

TEST(KnobsTest, BlockIoOnVersion1) {
  EXPECT_EQ(v1(with_block_io()),
            (Lines{"blkio.weight = 500", "blkio.leaf_weight = 300", "blkio.weight_device = 8:0 200",
                   "blkio.leaf_weight_device = 8:0 100", "blkio.throttle.read_bps_device = 8:0 1000",
                   "blkio.throttle.write_bps_device = 8:16 2000", "blkio.throttle.read_iops_device = 8:0 30",
                   "blkio.throttle.write_iops_device = 8:0 0"}));
  EXPECT_EQ(v1(with_block_io(), {.bfq = true}).front(), "blkio.bfq.weight = 500");
}

TEST(KnobsTest, BlockIoOnVersion2) {
  EXPECT_EQ(v2(with_block_io()), (Lines{"io.weight = default 4950", "io.weight = 8:0 1920", "io.max = 8:0 rbps=1000",
                                        "io.max = 8:16 wbps=2000", "io.max = 8:0 riops=30", "io.max = 8:0 wiops=max"}));
  EXPECT_EQ(v2(with_block_io(), {.bfq = true}).front(), "io.bfq.weight = default 500");
}

TEST(KnobsTest, HugePagesLimitReservationsWhereTheKernelCan) {
  oci::Resources resources;
  resources.hugepageLimits = {{"2MB", 4096}};
  EXPECT_EQ(v1(resources), (Lines{"hugetlb.2MB.rsvd.limit_in_bytes = 4096", "hugetlb.2MB.limit_in_bytes = 4096"}));
  EXPECT_EQ(v2(resources), (Lines{"hugetlb.2MB.rsvd.max = 4096", "hugetlb.2MB.max = 4096"}));
  EXPECT_TRUE(v2_writes(resources, {}).front().may_be_absent);
  EXPECT_FALSE(v2_writes(resources, {}).back().may_be_absent);
}

TEST(KnobsTest, NetworkIsForVersion1AndIgnoredOnVersion2) {
  oci::Resources resources;
  resources.network = oci::Network{.classID = 1048577, .priorities = {{"eth0", 500}}};
  EXPECT_EQ(v1(resources), (Lines{"net_cls.classid = 1048577", "net_prio.ifpriomap = eth0 500"}));
  EXPECT_EQ(v2(resources), Lines{});
}

TEST(KnobsTest, Rdma) {
  oci::Resources resources;
  resources.rdma = {{"mlx5_1", {.hcaHandles = 3, .hcaObjects = 10'000}}, {"mlx4_0", {.hcaObjects = 1000}}};
  const Lines lines{"rdma.max = mlx4_0 hca_object=1000", "rdma.max = mlx5_1 hca_handle=3 hca_object=10000"};
  EXPECT_EQ(v1(resources), lines);
  EXPECT_EQ(v2(resources), lines);
}

TEST(KnobsTest, UnifiedIsSplitIntoOneWritePerLine) {
  oci::Resources resources;
  resources.unified = {{"io.max", "8:0 rbps=1\n8:16 rbps=2\n"}, {"memory.high", "5"}};
  EXPECT_EQ(v2(resources), (Lines{"io.max = 8:0 rbps=1", "io.max = 8:16 rbps=2"}));
  EXPECT_EQ(texts(v2_memory_writes(resources)), Lines{"memory.high = 5"});  // after the limits it may refine
}

TEST(KnobsTest, UnifiedTakesFileNamesOnlyAndNeedsVersion2) {
  for (const char* name : {"memory", "../pids.max", "a/b.max", ".max"}) {
    oci::Resources resources;
    resources.unified = {{name, "1"}};
    EXPECT_NE(error_of([&] { (void)v2(resources); }).find("is not the name of a cgroup file"), std::string::npos)
        << name;
    EXPECT_NE(error_of([&] { (void)v1(resources); }).find("needs the unified hierarchy"), std::string::npos);
  }
}

}  // namespace
}  // namespace agentsafe::cgroup
