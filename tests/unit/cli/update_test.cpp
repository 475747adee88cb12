#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "tests/unit/cli/fake_container.h"

namespace agentsafe::cli {
namespace {

class UpdateTest : public testing::Test {
 protected:
  void SetUp() override { fake() = {}; }
  // The resources asked for, after a successful update.
  static oci::Resources asked(std::vector<std::string> options) {
    options.insert(options.begin(), "update");
    options.emplace_back("web");
    const Outcome outcome = run(options);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return fake().updated->resources;
  }
};

TEST_F(UpdateTest, AsksOnlyForWhatIsNamed) {
  const auto none = asked({});
  EXPECT_FALSE(none.cpu || none.memory || none.pids || none.blockIO);
  const auto quota = asked({"--cpu-quota", "-1"});
  EXPECT_EQ(quota.cpu->quota, -1);
  EXPECT_FALSE(quota.cpu->period.has_value());
  EXPECT_FALSE(quota.memory || quota.pids);
}

TEST_F(UpdateTest, ReadsEveryLimit) {
  const auto all =
      asked({"--blkio-weight=100", "--cpu-period=1000", "--cpu-quota=500", "--cpu-burst=10", "--cpu-share=64",
             "--cpu-rt-period=900", "--cpu-rt-runtime=800", "--cpuset-cpus=0-1", "--cpuset-mems=0", "--cpu-idle=1",
             "--memory=512M", "--memory-reservation=64m", "--memory-swap=1g", "--pids-limit=-1",
             "--l3-cache-schema=L3:0=f", "--mem-bw-schema=MB:0=50"});
  EXPECT_EQ(all.blockIO->weight, 100);
  EXPECT_EQ(all.cpu->period, 1000U);
  EXPECT_EQ(all.cpu->quota, 500);
  EXPECT_EQ(all.cpu->burst, 10U);
  EXPECT_EQ(all.cpu->shares, 64U);
  EXPECT_EQ(all.cpu->realtimePeriod, 900U);
  EXPECT_EQ(all.cpu->realtimeRuntime, 800);
  EXPECT_EQ(all.cpu->cpus, "0-1");
  EXPECT_EQ(all.cpu->mems, "0");
  EXPECT_EQ(all.cpu->idle, 1);
  EXPECT_EQ(all.memory->limit, 512LL << 20);
  EXPECT_EQ(all.memory->reservation, 64LL << 20);
  EXPECT_EQ(all.memory->swap, 1LL << 30);
  EXPECT_EQ(all.pids->limit, -1);
  EXPECT_EQ(fake().updated->l3_cache_schema, "L3:0=f");
  EXPECT_EQ(fake().updated->mem_bw_schema, "MB:0=50");
}

TEST_F(UpdateTest, LiftsTheSwapLimitTogetherWithTheMemoryLimit) {
  EXPECT_EQ(asked({"--memory=-1"}).memory->swap, -1);
  EXPECT_EQ(asked({"--memory=-1", "--memory-swap=5"}).memory->swap, 5);
  EXPECT_EQ(asked({"--memory=5"}).memory->swap, std::nullopt);
}

TEST_F(UpdateTest, RefusesValuesThatAreNone) {
  for (const auto option :
       {"--memory=much", "--cpu-period=-1", "--pids-limit=x", "--blkio-weight=70000", "--cpu-idle=2"})
    EXPECT_EQ(run({"update", option, "web"}).status, 1) << option;
  EXPECT_FALSE(fake().updated.has_value());
}

TEST_F(UpdateTest, WarnsOfObsoleteLimits) {
  const Outcome outcome = run({"update", "--kernel-memory=1g", "--kernel-memory-tcp", "5", "web"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_NE(outcome.err.find("level=warning msg=\"--kernel-memory has no effect"), std::string::npos);
  EXPECT_NE(outcome.err.find("--kernel-memory-tcp has no effect"), std::string::npos);
}

TEST_F(UpdateTest, ReadsAFileAndPutsOptionsOnTop) {
  char name[] = "/tmp/agentsafe-test-XXXXXX";
  ASSERT_GE(::mkstemp(name), 0);
  std::ofstream(name) << R"({"memory": {"limit": -1}, "pids": {"limit": 5}, "unified": {"io.weight": "5"}})";
  const auto resources = asked({"--resources", name, "--pids-limit", "7"});
  ::unlink(name);
  EXPECT_EQ(resources.memory->limit, -1);
  EXPECT_EQ(resources.memory->swap, -1);
  EXPECT_EQ(resources.pids->limit, 7);
  EXPECT_EQ(resources.unified.at("io.weight"), "5");
}

TEST_F(UpdateTest, NamesTheFileThatIsMissingOrMalformed) {
  EXPECT_NE(
      run({"update", "-r", "/nonexistent/r.json", "web"}).err.find("/nonexistent/r.json: no such file or directory"),
      std::string::npos);
  char name[] = "/tmp/agentsafe-test-XXXXXX";
  ASSERT_GE(::mkstemp(name), 0);
  std::ofstream(name) << R"({"memory": )";
  EXPECT_NE(run({"update", "-r", name, "web"}).err.find(name), std::string::npos);
  ::unlink(name);
  EXPECT_FALSE(fake().updated.has_value());
}

}  // namespace
}  // namespace agentsafe::cli
