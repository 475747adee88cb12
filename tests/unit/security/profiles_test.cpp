#include "runtime/security/profiles.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/base/error.h"
#include "runtime/security/apply.h"
#include "runtime/security/seccomp.h"
#include "runtime/sys/process.h"

namespace agentsafe::security {
namespace {


TEST(ProfilesTest, AreFoundByName) {
  ASSERT_EQ(profiles().size(), 5U);
  EXPECT_EQ(profiles().front().name, "agent-default");
  for (const auto& profile : profiles()) {
    EXPECT_EQ(find_profile(profile.name), &profile);
    EXPECT_FALSE(profile.summary.empty());
  }
  EXPECT_EQ(find_profile("agent-defaul"), nullptr);
}

TEST(ProfilesTest, AreWhatTheCompilerMakesOfTheirRules) {
  for (const auto& profile : profiles()) {
    std::vector<std::string> warnings;
    const auto program = compile(rules_of(profile).seccomp, warnings);
    EXPECT_EQ(program.instructions, profile.instructions) << profile.name;
    EXPECT_EQ(program.flags, profile.flags);
    EXPECT_TRUE(warnings.empty());
  }
}

constexpr std::string_view base_text = R"({"comment": "b", "defaultAction": "SCMP_ACT_ERRNO", "flags": [], "syscalls": [
    {"comment": "one", "names": ["read", "chroot"], "action": "SCMP_ACT_ALLOW"},
    {"names": ["clone"], "action": "SCMP_ACT_ALLOW"}]})";

TEST(ProfileRulesTest, ADifferenceSpeaksForTheCallsThatItNames) {
  const auto changes = read_profile(R"({"extends": "b", "defaultAction": "SCMP_ACT_ERRNO", "flags": [], "syscalls": [
      {"comment": "two", "names": ["clone", "chroot"], "action": "SCMP_ACT_KILL"}]})");
  EXPECT_EQ(changes.extends, "b");
  const auto all = extended(read_profile(base_text), changes);
  ASSERT_EQ(all.seccomp.syscalls.size(), 2U);
  EXPECT_EQ(all.seccomp.syscalls[0].action, "SCMP_ACT_KILL");
  EXPECT_EQ(all.seccomp.syscalls[1].names, std::vector<std::string>{"read"});
  EXPECT_EQ(all.comments, (std::vector<std::string>{"two", "one"}));
  EXPECT_TRUE(all.extends.empty());
}

TEST(ProfileRulesTest, ADifferenceMayNotChangeTheFrame) {
  const auto changes = read_profile(R"({"extends": "b", "defaultAction": "SCMP_ACT_ALLOW", "flags": []})");
  EXPECT_THROW((void)extended(read_profile(base_text), changes), Error);
}

oci::Linux with_bundle_filter(const std::string& action) {
  oci::Linux linux;
  linux.seccomp = oci::Seccomp{.defaultAction = "SCMP_ACT_ALLOW",
                               .syscalls = {{.names = {"getppid"}, .action = action, .errnoRet = {}, .args = {}}}};
  return linux;
}

Confinement stacked(const oci::Linux& linux) {
  std::vector<std::string> warnings;
  ConfinementOptions options{.id = "x"};
  options.stacked_seccomp = program_of(*find_profile("agent-default"));
  oci::Process process;
  process.noNewPrivileges = true;
  return plan_confinement(process, linux, options, warnings);
}

TEST(StackingTest, OursIsLoadedFirstAsTheBundlesMayPermitNoMoreFilters) {
  const auto plan = stacked(with_bundle_filter("SCMP_ACT_ERRNO"));
  ASSERT_EQ(plan.seccomp.size(), 2U);
  EXPECT_EQ(plan.seccomp[0].instructions, find_profile("agent-default")->instructions);
  EXPECT_FALSE(wants_listener(plan));
}

TEST(StackingTest, AFilterWithAnAgentIsLoadedBeforeOursRefusesListeners) {
  const auto plan = stacked(with_bundle_filter("SCMP_ACT_NOTIFY"));
  ASSERT_EQ(plan.seccomp.size(), 2U);
  EXPECT_TRUE(plan.seccomp[0].wants_listener);
  EXPECT_TRUE(wants_listener(plan));
}

TEST(StackingTest, OursAloneHoldsWithoutAFilterOfTheBundle) { EXPECT_EQ(stacked({}).seccomp.size(), 1U); }

TEST(StackingTest, BothFiltersCrossToTheImage) {
  const auto before = stacked(with_bundle_filter("SCMP_ACT_NOTIFY"));
  const auto after = wire::decode<Confinement>(wire::encode(before));
  ASSERT_EQ(after.seccomp.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(after.seccomp[i].instructions, before.seccomp[i].instructions);
    EXPECT_EQ(after.seccomp[i].flags, before.seccomp[i].flags);
    EXPECT_EQ(after.seccomp[i].wants_listener, before.seccomp[i].wants_listener);
  }
}

TEST(StackingTest, BothFiltersHoldInTheKernel) {
  const auto plan = stacked(with_bundle_filter("SCMP_ACT_ERRNO"));
  const sys::Child child = sys::clone3({}, [&] {
    sys::set_no_new_privileges();
    for (const auto& program : plan.seccomp) (void)load_seccomp(program);
    errno = 0;
    const bool bundle = ::syscall(SYS_getppid) == -1 && errno == EPERM;
    const bool ours = ::syscall(SYS_keyctl, 0) == -1 && errno == ENOSYS;
    return bundle && ours && ::getpid() > 0 ? 0 : 1;
  });
  EXPECT_EQ(sys::wait(child.pidfd).status(), 0);
}

}  // namespace
}  // namespace agentsafe::security
