#include <gtest/gtest.h>

#include <functional>

#include "runtime/base/error.h"
#include "runtime/cgroup/systemd_plan.h"
#include "runtime/cgroup/systemd_properties.h"

namespace agentsafe::cgroup {
namespace {

using systemd::Property;

std::string error_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.message();
  }
  return "no error";
}

// "Name=value" of each, in order.
std::vector<std::string> words(const std::vector<Property>& properties) {
  std::vector<std::string> list;
  for (const auto& [name, value] : properties) list.push_back(name + "=" + systemd::to_text(value));
  return list;
}
using Words = std::vector<std::string>;

Hierarchies v2_host(std::string own = "/user.slice/user-1000.slice/session-3.scope") {
  return {Mode::v2, {}, Hierarchy{{}, "/sys/fs/cgroup", "/", std::move(own)}};
}
Hierarchies hybrid_host() {
  return {Mode::hybrid,
          {{{"memory"}, "/sys/fs/cgroup/memory", "/", "/"}, {{"name=systemd"}, "/sys/fs/cgroup/systemd", "/", "/"}},
          Hierarchy{{}, "/sys/fs/cgroup/unified", "/", "/"}};
}
PlanOptions options(std::map<std::string, std::string> annotations = {}, bool rootless = false) {
  PlanOptions given;
  given.systemd = true;
  given.rootless = rootless;
  given.uid = rootless ? 1000 : 0;
  given.annotations = std::move(annotations);
  return given;
}
CgroupPlan plan(std::string_view path, const PlanOptions& given = options()) {
  return plan_cgroup(path, "web", v2_host(), given);
}

TEST(SystemdPlanTest, PutsAScopeIntoItsSlice) {
  const auto made = plan("a-b.slice:docker:3f4c");
  EXPECT_EQ(made.systemd->unit, "docker-3f4c.scope");
  EXPECT_EQ(made.systemd->slice, "a-b.slice");
  EXPECT_EQ(made.unified->directory(), "/sys/fs/cgroup/a.slice/a-b.slice/docker-3f4c.scope");
  EXPECT_FALSE(made.systemd->user);
}

TEST(SystemdPlanTest, HasDefaultsForAllThreeParts) {
  EXPECT_EQ(plan("").unified->path, "/system.slice/runc-web.scope");
  EXPECT_EQ(plan("::").unified->path, "/system.slice/web.scope");
  EXPECT_EQ(plan(":cri:").unified->path, "/system.slice/cri-web.scope");
  EXPECT_EQ(plan("-:p:n").unified->path, "/p-n.scope");
}

TEST(SystemdPlanTest, TakesANameThatIsASliceForTheUnit) {
  const auto made = plan("machine.slice:p:machine-web.slice");
  EXPECT_EQ(made.systemd->unit, "machine-web.slice");
  EXPECT_EQ(made.unified->path, "/machine.slice/machine-web.slice");
}

TEST(SystemdPlanTest, StaysBelowTheUsersSystemd) {
  const auto made = plan("", options({}, true));
  EXPECT_TRUE(made.systemd->user);
  EXPECT_EQ(made.unified->path, "/user.slice/user-1000.slice/user@1000.service/user.slice/runc-web.scope");
}

TEST(SystemdPlanTest, LiesInEveryHierarchyOfAHybridHost) {
  const auto made = plan_cgroup("system.slice:p:n", "web", hybrid_host(), options());
  ASSERT_EQ(made.v1.size(), 2U);
  EXPECT_EQ(made.v1[0].directory(), "/sys/fs/cgroup/memory/system.slice/p-n.scope");
  EXPECT_EQ(made.unified->directory(), "/sys/fs/cgroup/unified/system.slice/p-n.scope");
}

TEST(SystemdPlanTest, RefusesOtherPathsInOneLine) {
  EXPECT_EQ(
      error_of([] { (void)plan("/a/b"); }),
      "plan the cgroup: expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups, got \"/a/b\" "
      "instead");
  EXPECT_NE(error_of([] { (void)plan("no-such-kind:p:n"); }).find("invalid slice name"), std::string::npos);
  EXPECT_NE(error_of([] { (void)plan_cgroup("", "web", hybrid_host(), options({}, true)); }).find("cgroup version 1"),
            std::string::npos);
}

TEST(SystemdPlanTest, GivesTheContainerASubgroupOfTheUnit) {
  const auto made = plan("system.slice:p:n", options({{"run.oci.systemd.subgroup", "container"}}));
  EXPECT_EQ(made.unified->path, "/system.slice/p-n.scope/container");
  EXPECT_EQ(made.systemd->cgroup, "/system.slice/p-n.scope");
  for (const char* bad : {"", "a/b", "..", "cgroup.procs"})
    EXPECT_NE(error_of([&] { (void)plan("", options({{"run.oci.systemd.subgroup", bad}})); }), "no error") << bad;
}

TEST(SystemdPlanTest, ReadsPropertiesFromAnnotations) {
  EXPECT_EQ(words(annotated_properties({{"org.systemd.property.TimeoutStopUSec", "uint64 5000000"},
                                        {"org.systemd.property.CollectMode", "'inactive-or-failed'"},
                                        {"org.other", "1"}})),
            (Words{"CollectMode='inactive-or-failed'", "TimeoutStopUSec=uint64 5000000"}));
}

TEST(SystemdPlanTest, ReadsSecondsAsMicroseconds) {
  EXPECT_EQ(words(annotated_properties({{"org.systemd.property.TimeoutStopSec", "123"}})),
            Words{"TimeoutStopUSec=uint64 123000000"});
  EXPECT_EQ(words(annotated_properties({{"org.systemd.property.RuntimeMaxSec", "1.5"}})),
            Words{"RuntimeMaxUSec=uint64 1500000"});
}

TEST(SystemdPlanTest, NamesTheAnnotationThatItCannotRead) {
  for (const auto& row : {std::pair{"Timeout;Stop", "1"},
                          {"lower", "1"},
                          {"Ab", "1"},
                          {"TimeoutStopUSec", "uint64"},
                          {"TimeoutStopSec", "'x'"}}) {
    const auto message = error_of([&] {
      (void)annotated_properties({{std::string("org.systemd.property.") + row.first, row.second}});
    });
    EXPECT_TRUE(message.starts_with("annotation org.systemd.property.")) << message;
  }
}

constexpr SystemdFacts new_systemd{true, 257};

TEST(SystemdPropertiesTest, TellsSystemdEveryLimitItKnows) {
  oci::Resources resources;
  resources.memory.emplace();
  resources.memory->limit = 1000;
  resources.memory->reservation = 500;
  resources.memory->swap = 1500;
  resources.cpu.emplace();
  resources.cpu->shares = 1024;
  resources.cpu->quota = 33'333;
  resources.cpu->period = 100'000;
  resources.cpu->cpus = "0-1";
  resources.cpu->mems = "0";
  resources.pids.emplace();
  resources.pids->limit = 77;
  resources.blockIO.emplace();
  resources.blockIO->weight = 10;
  resources.blockIO->throttleReadBpsDevice = {{8, 0, 1024}};
  EXPECT_EQ(words(systemd_properties(resources, new_systemd)),
            (Words{"CPUWeight=uint64 100", "CPUQuotaPeriodUSec=uint64 100000", "CPUQuotaPerSecUSec=uint64 340000",
                   "AllowedCPUs=bytes 3", "AllowedMemoryNodes=bytes 1", "IOWeight=uint64 1",
                   "IOReadBandwidthMax=[('/dev/block/8:0', uint64 1024)]", "TasksMax=uint64 77",
                   "MemoryMax=uint64 1000", "MemoryLow=uint64 500", "MemorySwapMax=uint64 500"}));
}

TEST(SystemdPropertiesTest, LiftsLimits) {
  oci::Resources resources;
  resources.memory.emplace();
  resources.memory->limit = -1;
  resources.cpu.emplace();
  resources.cpu->quota = -1;
  resources.pids.emplace();
  resources.pids->limit = -1;
  const std::string infinity = "=uint64 18446744073709551615";
  EXPECT_EQ(words(systemd_properties(resources, new_systemd)),
            (Words{"CPUQuotaPerSecUSec" + infinity, "TasksMax" + infinity, "MemoryMax" + infinity,
                   "MemorySwapMax" + infinity}));
}

TEST(SystemdPropertiesTest, ReadsUnifiedFilesAsProperties) {
  oci::Resources resources;
  resources.unified = {{"cpu.max", "50000 200000"}, {"cpu.weight", "42"},    {"cpu.idle", "0"},
                       {"pids.max", "max"},         {"memory.high", "4096"}, {"memory.oom.group", "1"},
                       {"memory.zswap.max", "7"},   {"cpuset.cpus", "0,9"},  {"io.max", "8:0 rbps=1 wiops=max"},
                       {"io.weight", "default 5"},  {"hugetlb.2MB.max", "0"}};
  EXPECT_EQ(words(systemd_properties(resources, new_systemd)),
            (Words{"CPUWeight=uint64 42", "CPUQuotaPeriodUSec=uint64 200000", "CPUQuotaPerSecUSec=uint64 250000",
                   "AllowedCPUs=bytes 1 2", "IOReadBandwidthMax=[('/dev/block/8:0', uint64 1)]",
                   "IOWriteIOPSMax=[('/dev/block/8:0', uint64 18446744073709551615)]", "IOWeight=uint64 5",
                   "TasksMax=uint64 18446744073709551615", "MemoryHigh=uint64 4096", "MemoryZSwapMax=uint64 7"}));
}

TEST(SystemdPropertiesTest, LeavesOutWhatAnOlderSystemdDoesNotKnow) {
  oci::Resources resources;
  resources.cpu.emplace();
  resources.cpu->quota = 10'000;
  resources.cpu->period = 20'000;
  resources.cpu->cpus = "0";
  resources.cpu->idle = 1;
  EXPECT_TRUE(depends_on_version(resources));
  EXPECT_EQ(words(systemd_properties(resources, {true, 241})), Words{"CPUQuotaPerSecUSec=uint64 500000"});
  EXPECT_EQ(words(systemd_properties(resources, {true, 252})),
            (Words{"CPUWeight=uint64 0", "CPUQuotaPeriodUSec=uint64 20000", "CPUQuotaPerSecUSec=uint64 500000",
                   "AllowedCPUs=bytes 1"}));
}

TEST(SystemdPropertiesTest, SpeaksVersionOneToAVersionOneHost) {
  oci::Resources resources;
  resources.memory.emplace();
  resources.memory->limit = 1000;
  resources.cpu.emplace();
  resources.cpu->shares = 512;
  resources.blockIO.emplace();
  resources.blockIO->weight = 500;
  EXPECT_EQ(words(systemd_properties(resources, {false, 252})),
            (Words{"CPUShares=uint64 512", "BlockIOWeight=uint64 500", "MemoryLimit=uint64 1000"}));
}

TEST(SystemdPropertiesTest, HasALimitOfOneTaskForNone) {
  oci::Resources resources;
  resources.pids.emplace();
  resources.pids->limit = 0;
  EXPECT_EQ(words(systemd_properties(resources, PropertyGroup::tasks, new_systemd)), Words{"TasksMax=uint64 1"});
}

TEST(SystemdPropertiesTest, RestoresOldValuesAndLiftsWhatWasNotSet) {
  const std::vector<Property> changed = {{"MemoryMax", systemd::number('t', 5)},
                                         {"MemoryLow", systemd::number('t', 5)},
                                         {"TasksMax", systemd::number('t', 5)},
                                         {"AllowedCPUs", systemd::bytes("\x03")}};
  EXPECT_EQ(
      words(restoring_properties(changed, {{"TasksMax", systemd::number('t', 9)}})),
      (Words{"MemoryMax=uint64 18446744073709551615", "MemoryLow=uint64 0", "TasksMax=uint64 9", "AllowedCPUs=bytes"}));
}

TEST(SystemdPropertiesTest, RefusesBrokenListsOfProcessors) {
  for (const char* list : {"x", "3-1", "0-", "9999"})
    EXPECT_NE(error_of([&] { (void)cpu_set_bytes(list); }), "no error") << list;
  EXPECT_EQ(cpu_set_bytes("0-2, 8"), "\x07\x01");
}

constexpr const char* proc_devices = "Character devices:\n  1 mem\n136 pts\n195 nvidia\n\nBlock devices:\n  8 sd\n";

std::vector<DeviceRule> rules(std::vector<DeviceRule> some) { return some; }

TEST(SystemdDevicesTest, AllowsEachDeviceByItsNumbersOrItsDriver) {
  EXPECT_EQ(words(device_properties(rules({{true, DeviceKind::character, 1, 3, access_all},
                                           {true, DeviceKind::character, 136, {}, access_read},
                                           {true, DeviceKind::block, {}, {}, access_mknod}}),
                                    true, proc_devices)),
            (Words{"DevicePolicy='strict'", "DeviceAllow=[]",
                   "DeviceAllow=[('/dev/char/1:3', 'rwm'), ('char-pts', 'r'), ('block-*', 'm')]"}));
}

TEST(SystemdDevicesTest, AllowsAllWhenAllIsAllowed) {
  EXPECT_EQ(words(device_properties(rules({{true, DeviceKind::any, {}, {}, access_all}}), true, proc_devices)),
            (Words{"DevicePolicy='auto'", "DeviceAllow=[]"}));
}

TEST(SystemdDevicesTest, ForgetsWhatALaterRuleTakesAway) {
  EXPECT_EQ(words(device_properties(rules({{true, DeviceKind::character, 1, 3, access_all},
                                           {true, DeviceKind::block, 8, 0, access_all},
                                           {false, DeviceKind::character, {}, {}, access_all}}),
                                    true, proc_devices)),
            (Words{"DevicePolicy='strict'", "DeviceAllow=[]", "DeviceAllow=[('/dev/block/8:0', 'rwm')]"}));
}

// Version 2 has our own filter beside systemd's; on version 1 there is one list.
TEST(SystemdDevicesTest, NeverAllowsMoreThanTheRulesWhereItsListIsTheOnlyOne) {
  const auto hole =
      rules({{true, DeviceKind::character, 1, {}, access_all}, {false, DeviceKind::character, 1, 5, access_all}});
  EXPECT_EQ(words(device_properties(hole, true, proc_devices)).back(), "DeviceAllow=[('char-mem', 'rwm')]");
  EXPECT_NE(error_of([&] { (void)device_properties(hole, false, proc_devices); }), "no error");
  const auto no_driver = rules({{true, DeviceKind::character, 77, {}, access_read}});
  EXPECT_EQ(words(device_properties(no_driver, true, proc_devices)).back(), "DeviceAllow=[('char-*', 'r')]");
  EXPECT_NE(error_of([&] { (void)device_properties(no_driver, false, proc_devices); }), "no error");
}

}  // namespace
}  // namespace agentsafe::cgroup
