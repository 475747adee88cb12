#include "runtime/security/confinement.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/resource.h>
#include <unistd.h>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/security/apply.h"
#include "runtime/security/capabilities.h"
#include "runtime/security/rlimits.h"
#include "runtime/security/sha256.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"

namespace agentsafe::security {
namespace {

Confinement plan(const oci::Process& process, const oci::Linux& linux = {}, ConfinementOptions options = {.id = "x"}) {
  std::vector<std::string> warnings;
  return plan_confinement(process, linux, options, warnings);
}

TEST(ConfinementTest, HasNoCapabilitiesWithoutTheObject) { EXPECT_EQ(plan({}).capabilities, CapabilityMasks{}); }

TEST(ConfinementTest, IgnoresUnknownCapabilitiesWithAWarning) {
  std::vector<std::string> warnings;
  EXPECT_EQ(capability_mask({"CAP_KILL", "CAP_NOPE", "kill", "CAP_KILL"}, warnings), 1ULL << CAP_KILL);
  EXPECT_EQ(warnings.size(), 2U);
  EXPECT_EQ(capability_names().front(), "CAP_CHOWN");
}

TEST(ConfinementTest, PlansSchedulerIoPriorityAndMemoryPolicy) {
  oci::Process process;
  process.scheduler = oci::Scheduler{.policy = "SCHED_BATCH", .nice = 3, .flags = {"SCHED_FLAG_RESET_ON_FORK"}};
  process.ioPriority = oci::IoPriority{"IOPRIO_CLASS_BE", 4};
  oci::Linux linux;
  linux.memoryPolicy = oci::MemoryPolicy{"MPOL_BIND", "0,2-3,65", {"MPOL_F_STATIC_NODES"}};
  linux.personality = oci::Personality{"LINUX32", {}};
  const auto confinement = plan(process, linux);
  EXPECT_EQ(confinement.scheduler->policy, 3U);
  EXPECT_EQ(confinement.scheduler->nice, 3);
  EXPECT_EQ(confinement.io_priority, (2 << 13) + 4);
  EXPECT_EQ(confinement.memory_policy->nodes, (std::vector<std::uint64_t>{0b1101, 0b10}));
  EXPECT_EQ(confinement.personality, 8U);
}

TEST(ConfinementTest, RefusesWordsItDoesNotKnow) {
  oci::Process process;
  process.rlimits = {{"RLIMIT_NOPE", 1, 1}};
  EXPECT_THROW((void)plan(process), Error);
  process = {};
  process.scheduler = oci::Scheduler{.policy = "SCHED_NOPE"};
  EXPECT_THROW((void)plan(process), Error);
  oci::Linux linux;
  linux.memoryPolicy = oci::MemoryPolicy{"MPOL_BIND", "3-1", {}};
  EXPECT_THROW((void)plan({}, linux), Error);
  process = {};
  process.user.additionalGids = {5};
  EXPECT_THROW((void)plan(process, {}, {.id = "x", .may_set_groups = false}), Error);
}

TEST(ConfinementTest, OfAnExecIsNeverLooserThanTheContainers) {
  Confinement container;
  container.no_new_privileges = true;
  container.capabilities.bounding = 0b0110;
  container.rlimits = {{RLIMIT_NOFILE, 100, 200}, {RLIMIT_CORE, 0, 0}};
  Confinement request;
  request.capabilities = {0b1111, 0b1010, 0b0001, 0b1110, 0b0100};
  request.rlimits = {{RLIMIT_NOFILE, 150, 150}, {RLIMIT_CPU, 7, 7}};
  const auto narrowed = narrow(request, container);
  EXPECT_TRUE(narrowed.no_new_privileges);
  EXPECT_EQ(narrowed.capabilities, (CapabilityMasks{0b0110, 0b0010, 0, 0b0110, 0b0100}));
  ASSERT_EQ(narrowed.rlimits.size(), 3U);
  EXPECT_EQ(narrowed.rlimits[0].soft, 100U);
  EXPECT_EQ(narrowed.rlimits[0].hard, 150U);
}

TEST(ConfinementTest, CrossesToTheImageUnchanged) {
  oci::Process process;
  process.capabilities = oci::Capabilities{.bounding = {"CAP_KILL"}};
  process.rlimits = {{"RLIMIT_NOFILE", 20, 10}};
  const auto before = plan(process);
  const auto after = wire::decode<Confinement>(wire::encode(before));
  EXPECT_EQ(after.capabilities, before.capabilities);
  EXPECT_EQ(after.rlimits[0].hard, 20U);
  EXPECT_EQ(after.keyring, "_ses.x");
}

// What a forked child that applied it says of itself.
std::string status_after(const Confinement& confinement, const std::vector<std::string>& keys) {
  auto pipe = sys::pipe();
  const sys::Child child = sys::clone3({}, [&] {
    const UniqueFd proc = sys::openat(sys::at_cwd, "/proc", O_PATH | O_DIRECTORY);
    set_kernel_attributes(confinement, proc);
    (void)become(confinement);
    std::string said;
    const std::string status = sys::read_file(proc, "self/status");
    for (const auto line : text::lines(status))
      for (const auto& key : keys)
        if (line.starts_with(key + ":")) said += std::string(line) + "\n";
    sys::write_all(pipe.write_end, said);
    return 0;
  });
  EXPECT_EQ(sys::wait(child.pidfd).status(), 0);
  pipe.write_end.reset();
  char buffer[4096];
  const ssize_t n = ::read(pipe.read_end.get(), buffer, sizeof buffer);
  return {buffer, n > 0 ? static_cast<std::size_t>(n) : 0};
}

class ApplyTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  }
};

TEST_F(ApplyTest, SetsIdsGroupsAndCapabilities) {
  Confinement confinement;
  confinement.uid = 1000;
  confinement.gid = 1001;
  confinement.additional_gids = {7, 8};
  confinement.no_new_privileges = true;
  const std::uint64_t kill = 1ULL << CAP_KILL;
  confinement.capabilities = {kill, kill, kill, kill, kill};
  confinement.umask = 027;
  const auto status = status_after(confinement, {"Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Umask"});
  EXPECT_NE(status.find("Uid:\t1000\t1000\t1000\t1000"), std::string::npos) << status;
  EXPECT_NE(status.find("Gid:\t1001\t1001\t1001\t1001"), std::string::npos) << status;
  EXPECT_NE(status.find("Groups:\t7 8"), std::string::npos) << status;
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"})
    EXPECT_NE(status.find(std::string(set) + ":\t0000000000000020"), std::string::npos) << status;
  EXPECT_NE(status.find("NoNewPrivs:\t1"), std::string::npos) << status;
  EXPECT_NE(status.find("Umask:\t0027"), std::string::npos) << status;
}

TEST_F(ApplyTest, LeavesNoGroupOfTheCaller) {
  Confinement confinement;
  confinement.gid = 5;
  EXPECT_NE(status_after(confinement, {"Groups"}).find("Groups:\t "), std::string::npos);
}

TEST_F(ApplyTest, WarnsOfAmbientCapabilitiesThatCannotBeRaised) {
  Confinement confinement;
  confinement.capabilities.ambient = 1ULL << CAP_KILL;
  const sys::Child child = sys::clone3({}, [&] { return static_cast<int>(become(confinement).size()); });
  EXPECT_EQ(sys::wait(child.pidfd).code, 1);
}

TEST_F(ApplyTest, SetsRlimitsFromOutside) {
  const auto pipe = sys::pipe();
  const sys::Child child = sys::clone3({}, [&] {
    char byte = 0;
    return ::read(pipe.read_end.get(), &byte, 1) == 1 ? 0 : 1;
  });
  Confinement confinement;
  confinement.rlimits = {{RLIMIT_NOFILE, 33, 44}};
  set_rlimits(child.pid, confinement);
  const auto limits = sys::read_file(sys::at_cwd, "/proc/" + std::to_string(child.pid) + "/limits");
  sys::write_all(pipe.write_end, "x");
  sys::wait(child.pidfd);
  EXPECT_NE(limits.find("Max open files            33                   44"), std::string::npos) << limits;
}

TEST_F(ApplyTest, RefusesAnAppArmorProfileWithoutAppArmor) {
  if (::access("/sys/module/apparmor", F_OK) == 0) GTEST_SKIP() << "this host has AppArmor";
  Confinement confinement;
  confinement.apparmor_profile = "strict";
  const UniqueFd proc = sys::openat(sys::at_cwd, "/proc", O_PATH | O_DIRECTORY);
  EXPECT_THROW(set_kernel_attributes(confinement, proc), Error);
  confinement.apparmor_profile = "unconfined";
  EXPECT_NO_THROW(set_kernel_attributes(confinement, proc));
}

TEST(RlimitTest, NamesGoBothWays) {
  EXPECT_EQ(rlimit_of("RLIMIT_NOFILE"), RLIMIT_NOFILE);
  EXPECT_EQ(name_of_rlimit(RLIMIT_NOFILE), "RLIMIT_NOFILE");
  EXPECT_FALSE(rlimit_of("RLIMIT_NOPE"));
}

TEST(Sha256Test, AgreesWithTheStandard) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256(std::string(1000000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

}  // namespace
}  // namespace agentsafe::security
