// Limits on a real cgroup: what the kernel's files hold afterwards, and what it then enforces.
#include <fcntl.h>
#include <sys/mman.h>

#include <thread>

#include "tests/unit/cgroup/live_fixture.h"

namespace agentsafe::cgroup {
namespace {

using namespace std::chrono_literals;

TEST_F(LiveCgroupTest, PidsAreLimited) {
  oci::Resources resources;
  resources.pids = {.limit = 1};
  cgroup_->apply(resources);
  auto& child = spawn([] { return ::fork() == -1 && errno == EAGAIN ? 42 : 1; });
  EXPECT_EQ(sys::wait(child.pidfd).code, 42);
  children_.clear();
  EXPECT_EQ(content("pids", "pids.max"), "1");
}

TEST_F(LiveCgroupTest, OnlyAllowedDevicesOpen) {
  cgroup_->apply({});  // nothing but the usual devices
  auto& child = spawn([] {
    if (UniqueFd null(::open("/dev/null", O_RDWR)); !null) return 10;
    if (UniqueFd zero(::open("/dev/zero", O_RDONLY)); !zero) return 11;
    if (UniqueFd kmsg(::open("/dev/kmsg", O_RDONLY)); kmsg || errno != EPERM) return 12;
    return 0;
  });
  EXPECT_EQ(sys::wait(child.pidfd).code, 0);
  children_.clear();
}

TEST_F(LiveCgroupTest, TheLastDeviceRuleWins) {
  oci::Resources resources;
  resources.devices = {{.allow = false, .access = "rwm"},
                       {.allow = true, .type = "c", .major = 1, .minor = 11, .access = "r"}};
  cgroup_->apply(resources);
  auto& child = spawn([] {
    if (UniqueFd kmsg(::open("/dev/kmsg", O_RDONLY)); !kmsg && errno == EPERM) return 10;
    if (UniqueFd kmsg(::open("/dev/kmsg", O_WRONLY)); kmsg || errno != EPERM) return 11;
    return 0;
  });
  EXPECT_EQ(sys::wait(child.pidfd).code, 0);
  children_.clear();
}

TEST_F(LiveCgroupTest, MemoryAndCpuAreLimited) {
  oci::Resources resources;
  resources.memory = {.limit = 64 << 20, .swap = 64 << 20};
  resources.cpu = {.shares = 512, .quota = 50'000, .period = 100'000};
  cgroup_->apply(resources);
  cgroup_->apply_memory(resources);
  if (v2()) {
    EXPECT_EQ(content("memory", "memory.max"), std::to_string(64 << 20));
    EXPECT_EQ(content("cpu", "cpu.max"), "50000 100000");
    EXPECT_EQ(content("cpu", "cpu.weight"), "59");
  } else {
    EXPECT_EQ(content("memory", "memory.limit_in_bytes"), std::to_string(64 << 20));
    EXPECT_EQ(content("memory", "memory.memsw.limit_in_bytes"), std::to_string(64 << 20));
    EXPECT_EQ(content("cpu", "cpu.shares"), "512");
    EXPECT_EQ(content("cpu", "cpu.cfs_quota_us"), "50000");
  }
}

TEST_F(LiveCgroupTest, UpdateRaisesAndLowersLimitsThatBoundEachOther) {
  oci::Resources current;
  current.memory = {.limit = 32 << 20, .swap = 32 << 20};
  current.cpu = {.quota = 50'000, .period = 100'000};
  cgroup_->apply(current);
  cgroup_->apply_memory(current);
  for (const int mib : {128, 16}) {
    oci::Resources change;
    change.memory = {.limit = mib << 20, .swap = mib << 20};
    change.cpu = {.quota = mib * 1000, .burst = static_cast<std::uint64_t>(mib) * 1000};
    current = cgroup_->update(change, current);
    EXPECT_EQ(content("memory", v2() ? "memory.max" : "memory.limit_in_bytes"), std::to_string(mib << 20));
    EXPECT_EQ(content("cpu", v2() ? "cpu.max.burst" : "cpu.cfs_burst_us"), std::to_string(mib * 1000));
    EXPECT_EQ(current.cpu->period, 100'000U);
  }
}

TEST_F(LiveCgroupTest, AFailedUpdateRestoresTheOldValues) {
  oci::Resources current;
  current.pids = {.limit = 50};
  current.cpu = {.shares = 512};
  cgroup_->apply(current);
  oci::Resources change;
  change.pids = {.limit = 60};
  change.cpu = {.shares = 2048, .cpus = "9999"};
  EXPECT_NE(error_of([&] { (void)cgroup_->update(change, current); }), "no error");
  EXPECT_EQ(content("pids", "pids.max"), "50");
  EXPECT_EQ(content("cpu", v2() ? "cpu.weight" : "cpu.shares"), v2() ? "59" : "512");
}

// A process in the cgroup with 8 MiB that cannot be reclaimed, for so long. Version 1 calls a limit below them busy.
class BusyMemoryTest : public LiveCgroupTest {
 protected:
  void SetUp() override {
    LiveCgroupTest::SetUp();
    if (!IsSkipped() && v2()) GTEST_SKIP() << "version 2 takes a limit below the usage";
  }
  void hold(std::chrono::milliseconds time) {
    auto ready = sys::pipe();
    spawn([&] {
      void* pages = ::mmap(nullptr, 8 << 20, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE, -1, 0);
      sys::write_all(ready.write_end, pages == MAP_FAILED ? "f" : "x");
      std::this_thread::sleep_for(time);
      ::munmap(pages, 8 << 20);
      for (;;) ::pause();
      return 0;
    });
    char byte = 0;
    ASSERT_EQ(::read(ready.read_end.get(), &byte, 1), 1);
    ASSERT_EQ(byte, 'x');
  }
  void limit() {
    oci::Resources resources;
    resources.memory = {.limit = 4 << 20};
    cgroup_->apply_memory(resources);
  }
};

TEST_F(BusyMemoryTest, ALimitIsTriedAgainUntilTheMemoryIsFree) {
  hold(5ms);
  limit();
  EXPECT_EQ(content("memory", "memory.limit_in_bytes"), std::to_string(4 << 20));
}

TEST_F(BusyMemoryTest, ALimitBelowWhatStaysInUseFails) {
  hold(1h);
  const auto message = error_of([&] { limit(); });
  EXPECT_NE(message.find("unable to set memory limit to 4194304 (current usage: "), std::string::npos) << message;
}

TEST_F(LiveCgroupTest, OomIsTold) {
  oci::Resources resources;
  resources.memory = {.limit = 4 << 20, .swap = 4 << 20};
  cgroup_->apply_memory(resources);
  OomWatch watch = cgroup_->watch_oom();
  EXPECT_FALSE(watch.struck());
  auto& child = spawn([] {
    for (std::size_t size = 0; size < 64; ++size) {
      auto* block = static_cast<volatile char*>(::malloc(1 << 20));
      for (std::size_t i = 0; i < (1 << 20); i += 1024) block[i] = 1;
    }
    return 0;
  });
  EXPECT_EQ(sys::wait(child.pidfd).signal, SIGKILL);
  children_.clear();
  EXPECT_TRUE(sys::wait_readable(watch.fd(), 5s));
  EXPECT_TRUE(watch.struck());
  EXPECT_EQ(cgroup_->oom_kills(), 1U);
}

TEST_F(LiveCgroupTest, StatsCountWhatRuns) {
  spawn_sleeper();
  const Stats stats = cgroup_->stats();
  EXPECT_EQ(stats.pids.current, 1U);
  EXPECT_GT(stats.memory.usage.usage, 0U);
  EXPECT_FALSE(stats.memory.raw.empty());
  EXPECT_FALSE(stats.cpuset.cpus.empty());
}

// "8:0" of a disk of this host.
std::optional<std::pair<std::int64_t, std::int64_t>> some_disk() {
  const UniqueFd block = sys::try_openat(sys::at_cwd, "/sys/block", O_RDONLY | O_DIRECTORY);
  if (!block) return std::nullopt;
  for (const auto& name : sys::list_directory(block)) {
    if (name.starts_with("loop") || name.starts_with("ram") || name.starts_with("nbd")) continue;
    const std::string number(text::trim(sys::read_file(block, name + "/dev")));
    const auto parts = text::split(number, ':');
    return std::pair{*text::parse<std::int64_t>(parts.at(0)), *text::parse<std::int64_t>(parts.at(1))};
  }
  return std::nullopt;
}

TEST_F(LiveCgroupTest, DisksAreThrottledAndReleased) {
  const auto disk = some_disk();
  if (!disk) GTEST_SKIP() << "this host has no disk";
  const std::string key = std::to_string(disk->first) + ":" + std::to_string(disk->second);
  oci::Resources resources;
  resources.blockIO = {.throttleReadBpsDevice = {{disk->first, disk->second, 1 << 20}}};
  cgroup_->apply(resources);
  const char* file = v2() ? "io.max" : "blkio.throttle.read_bps_device";
  const auto limited = v2() ? key + " rbps=1048576 wbps=max riops=max wiops=max" : key + " 1048576";
  EXPECT_EQ(content("blkio", file), limited);
  oci::Resources change;
  change.blockIO = {.throttleReadBpsDevice = {{disk->first, disk->second, 0}}};
  change.cpu = {.cpus = "9999"};
  EXPECT_NE(error_of([&] { (void)cgroup_->update(change, resources); }), "no error");
  EXPECT_EQ(content("blkio", file), limited);
  change.cpu.reset();
  (void)cgroup_->update(change, resources);
  EXPECT_EQ(content("blkio", file), "");
}

TEST_F(LiveCgroupTest, CpusetsAndHugePagesAreLimited) {
  oci::Resources resources;
  resources.cpu = {.cpus = "0", .mems = "0"};
  if (v2()) resources.hugepageLimits = {{"2MB", 4 << 20}};
  if (v2()) resources.unified = {{"memory.high", "8388608"}};
  cgroup_->apply(resources);
  cgroup_->apply_memory(resources);
  EXPECT_EQ(content("cpuset", "cpuset.cpus"), "0");
  if (!v2()) return;
  EXPECT_EQ(content("hugetlb", "hugetlb.2MB.max"), std::to_string(4 << 20));
  EXPECT_EQ(content("hugetlb", "hugetlb.2MB.rsvd.max"), std::to_string(4 << 20));
  EXPECT_EQ(content("memory", "memory.high"), "8388608");
}

TEST_F(LiveCgroupTest, AContainerThatMovedItsProcessesDownIsJoinedThere) {
  if (!v2()) GTEST_SKIP() << "version 1 lets every cgroup hold processes";
  const pid_t init = spawn_sleeper();
  ASSERT_TRUE(sys::try_mkdirat(sys::at_cwd, file("", "init"), 0755));
  sys::write_file(sys::at_cwd, file("", "init/cgroup.procs"), std::to_string(init));
  sys::write_file(sys::at_cwd, file("", "cgroup.subtree_control"), "+pids");
  Join join = cgroup_->join_below({});
  try {
    children_.push_back(sys::clone3({.cgroup_fd = join.directory.get()}, [] { return 0; }));
    FAIL() << "the kernel lets processes and children live side by side";
  } catch (const Error& error) {
    EXPECT_TRUE(may_join_init_instead(error.error_number())) << error.message();
  }
  join = cgroup_->join_of(init);
  children_.push_back(sys::clone3({.cgroup_fd = join.directory.get()}, [] { return 0; }));
  EXPECT_EQ(sys::wait(children_.back().pidfd).code, 0);
  children_.pop_back();
}

TEST_F(LiveCgroupTest, ALimitBelowABusyCgroupSaysWhyItCannotBe) {
  if (!v2()) GTEST_SKIP() << "version 1 has no subtree_control";
  spawn_sleeper();
  CgroupPlan inner = plan_;
  inner.unified->path += "/inner";
  auto cgroup = open_cgroup(inner);
  cgroup->create();
  oci::Resources resources;
  resources.memory = {.limit = 1 << 20};
  const auto message = error_of([&] { cgroup->apply_memory(resources); });
  EXPECT_NE(message.find("cannot set memory.max"), std::string::npos) << message;
  EXPECT_NE(message.find("cannot enable controllers in " + file("", "").substr(0, file("", "").size() - 1)),
            std::string::npos)
      << message;
}

TEST_F(LiveCgroupTest, APlaceBelowAThreadedCgroupIsRefused) {
  if (!v2()) GTEST_SKIP() << "version 1 has no threaded cgroups";
  ASSERT_TRUE(sys::try_mkdirat(sys::at_cwd, file("", "threads"), 0755));
  sys::write_file(sys::at_cwd, file("", "threads/cgroup.type"), "threaded");
  CgroupPlan inner = plan_;
  inner.unified->path += "/threads/inner";
  const auto message = error_of([&] { open_cgroup(inner)->create(); });
  EXPECT_NE(message.find("threaded"), std::string::npos) << message;
}

TEST_F(LiveCgroupTest, DelegationGivesTheOwnerItsDirectory) {
  if (!v2()) GTEST_SKIP() << "version 1 is not delegated";
  cgroup_->delegate(12345);
  EXPECT_EQ(sys::try_fstatat(sys::at_cwd, file("", ""))->st_uid, 12345U);
  EXPECT_EQ(sys::try_fstatat(sys::at_cwd, file("", "cgroup.procs"))->st_uid, 12345U);
  EXPECT_EQ(sys::try_fstatat(sys::at_cwd, file("", "pids.max"))->st_uid, 0U);
}

TEST_F(LiveCgroupTest, AnUnknownUnifiedFileIsAnError) {
  oci::Resources resources;
  resources.unified = {{"nonsense.max", "1"}};
  const auto message = error_of([&] { cgroup_->apply(resources); });
  EXPECT_NE(message.find("nonsense"), std::string::npos) << message;
}

}  // namespace
}  // namespace agentsafe::cgroup
