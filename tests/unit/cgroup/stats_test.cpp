#include "runtime/cgroup/stats.h"

#include "runtime/cgroup/directory.h"
#include "runtime/cgroup/stats_json.h"
#include "tests/unit/cgroup/fake_tree.h"

namespace agentsafe::cgroup {
namespace {

TEST(StatsParseTest, Counters) {
  const auto counters = parse_counters("cache 5\nbroken\nx -1\nrss 18446744073709551615\n");
  EXPECT_EQ(counters.size(), 2U);
  EXPECT_EQ(counters.at("rss"), UINT64_MAX);
}

TEST(StatsParseTest, Pressure) {
  const auto pressure = parse_pressure("some avg10=1.50 avg60=0.25 avg300=0.01 total=1234\n");
  ASSERT_TRUE(pressure.some);
  EXPECT_EQ(pressure.some->avg10.digits, "1.50");
  EXPECT_EQ(pressure.some->total, 1234U);
  EXPECT_FALSE(pressure.full);
}

TEST(StatsParseTest, CpuLists) {
  EXPECT_EQ(parse_cpu_list("0-2,5\n"), (std::vector<std::uint32_t>{0, 1, 2, 5}));
  EXPECT_TRUE(parse_cpu_list("\n").empty());
  EXPECT_TRUE(parse_cpu_list("a-b,1-2-3,0-4000000000").empty());
}

TEST(StatsParseTest, Version1BlockLines) {
  const auto entries = parse_v1_blkio("8:0 Read 4096\n8:16 7\nTotal 4096\n8:0 x y z\n");
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].op, "Read");
  EXPECT_EQ(entries[1].minor, 16U);
  EXPECT_EQ(entries[1].value, 7U);
}

TEST(StatsTest, Version2) {
  FakeTree tree;
  tree.put("web/cpu.stat",
           "usage_usec 5\nuser_usec 3\nsystem_usec 2\nnr_periods 4\nnr_throttled 1\nthrottled_usec 9\n");
  tree.put("web/cpu.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=7\n");
  tree.put("web/memory.current", "100\n");
  tree.put("web/memory.max", "max\n");
  tree.put("web/memory.peak", "120\n");
  tree.put("web/memory.swap.current", "10\n");
  tree.put("web/memory.swap.max", "5\n");
  tree.put("web/memory.stat", "anon 1\nfile 42\n");
  tree.put("web/memory.events", "low 0\nmax 3\n");
  tree.put("web/pids.current", "2\n");
  tree.put("web/pids.max", "max\n");
  tree.put("web/io.stat", "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n");
  tree.put("web/hugetlb.2MB.current", "8\n");
  tree.put("web/hugetlb.2MB.rsvd.current", "9\n");
  tree.put("web/hugetlb.2MB.events", "max 1\n");
  tree.put("web/cpuset.cpus.effective", "0-1\n");
  Directory directory({{}, tree.top(), "/", "/web"});
  const auto stats = v2_stats(directory);
  EXPECT_EQ(stats.cpu.usage.total, 5000U);
  EXPECT_EQ(stats.cpu.throttling.throttled_time, 9000U);
  EXPECT_EQ(stats.cpu.psi->some->total, 7U);
  EXPECT_EQ(stats.memory.cache, 42U);
  EXPECT_EQ(stats.memory.usage.limit, UINT64_MAX);
  EXPECT_EQ(stats.memory.usage.failcnt, 3U);
  EXPECT_EQ(stats.memory.swap.usage, 110U);
  EXPECT_EQ(stats.memory.swap.limit, UINT64_MAX);
  EXPECT_EQ(stats.pids.limit, 0U);
  EXPECT_EQ(stats.blkio.service_bytes.size(), 3U);
  EXPECT_EQ(stats.blkio.serviced.at(1).value, 4U);
  EXPECT_EQ(stats.hugetlb.size(), 1U);
  EXPECT_EQ(stats.hugetlb.at("2MB").usage, 8U);
  EXPECT_EQ(stats.cpuset.cpus.size(), 2U);
}

TEST(StatsTest, Version1) {
  FakeTree tree;
  tree.put("web/cpuacct.usage", "77\n");
  tree.put("web/cpuacct.usage_percpu", "70 7 \n");
  tree.put("web/cpuacct.usage_all", "cpu user system\n0 60 10\n1 5 2\n");
  tree.put("web/cpuacct.stat", "user 2\nsystem 1\n");
  tree.put("web/cpu.stat", "nr_periods 4\nnr_throttled 1\nthrottled_time 9\n");
  tree.put("web/memory.stat", "cache 42\n");
  tree.put("web/memory.usage_in_bytes", "100\n");
  tree.put("web/memory.kmem.tcp.usage_in_bytes", "3\n");
  tree.put("web/blkio.throttle.io_service_bytes_recursive", "8:0 Read 1\n8:0 Total 1\nTotal 1\n");
  tree.put("web/hugetlb.2MB.usage_in_bytes", "8\n");
  tree.put("web/pids.current", "2\n");
  tree.put("web/pids.max", "9\n");
  Directory directory({{"cpu", "cpuacct", "memory", "blkio", "hugetlb", "pids"}, tree.top(), "/", "/web"});
  Stats stats;
  add_v1_stats(directory, stats);
  EXPECT_EQ(stats.cpu.usage.total, 77U);
  EXPECT_EQ(stats.cpu.usage.percpu, (std::vector<std::uint64_t>{70, 7}));
  EXPECT_EQ(stats.cpu.usage.percpu_kernel, (std::vector<std::uint64_t>{10, 2}));
  EXPECT_EQ(stats.cpu.usage.user, 20'000'000U);
  EXPECT_EQ(stats.cpu.throttling.periods, 4U);
  EXPECT_EQ(stats.memory.kernel_tcp.usage, 3U);
  EXPECT_EQ(stats.memory.cache, 42U);
  EXPECT_EQ(stats.blkio.service_bytes.size(), 2U);
  EXPECT_EQ(stats.hugetlb.at("2MB").usage, 8U);
  EXPECT_EQ(stats.pids.limit, 9U);
}

TEST(StatsTest, AMissingCgroupCountsNothing) {
  FakeTree tree;
  Directory directory({{}, tree.top(), "/", "/gone"});
  EXPECT_EQ(v2_stats(directory).memory.usage.usage, 0U);
}

TEST(StatsJsonTest, HasTheMembersThatReadersExpect) {
  Stats stats;
  stats.cpu.psi = Pressure{PressureLine{{"0.50"}, {}, {}, 1}, {}};
  const auto text = json::write(stats);
  for (const char* part :
       {R"("cpu":{"usage":{"total":0,)", R"("throttling":{"periods":0,"throttledPeriods":0,"throttledTime":0})",
        R"("psi":{"some":{"avg10":0.50,)", R"("memory":{"cache":0,"usage":{"limit":0,"usage":0,"max":0,"failcnt":0})",
        R"("kernelTCP":)", R"("pids":{"current":0,"limit":0})", R"("blkio":{})", R"("hugetlb":{})",
        R"("intel_rdt":{})"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;
}

}  // namespace
}  // namespace agentsafe::cgroup
