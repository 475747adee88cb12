#include "runtime/process/hooks.h"

#include <gtest/gtest.h>

#include "runtime/base/error.h"

namespace agentsafe::process {
namespace {

HookPlan shell(const std::string& script) { return {"/bin/sh", {"sh", "-c", script}, {"PATH=/usr/bin:/bin"}, 0, ""}; }

std::string failure_of(const HookPlan& hook, const std::string& state = "{}") {
  try {
    run_hook(hook, state);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(HooksTest, GetTheStateOnStandardInput) {
  EXPECT_EQ(failure_of(shell("[ \"$(cat)\" = '{\"id\":\"x\"}' ]"), "{\"id\":\"x\"}"), "");
}

TEST(HooksTest, NeedNotReadTheirInput) { EXPECT_EQ(failure_of(shell("exit 0"), std::string(1 << 20, 'x')), ""); }

TEST(HooksTest, ReportStatusAndOutput) {
  EXPECT_EQ(failure_of(shell("echo out; echo err >&2; exit 3")), "/bin/sh: exit status 3, output: out\\nerr");
}

TEST(HooksTest, ReportASignal) { EXPECT_EQ(failure_of(shell("kill -9 $$")), "/bin/sh was ended by signal 9"); }

TEST(HooksTest, AreKilledPastTheirTimeout) {
  HookPlan hook = shell("exec sleep 100");
  hook.timeout_seconds = 1;
  EXPECT_NE(failure_of(hook).find("ran past its timeout of 1 s"), std::string::npos);
}

TEST(HooksTest, GetTheirEnvironmentExactlyAsGiven) {
  EXPECT_EQ(failure_of({"/usr/bin/env", {"env"}, {"A=1"}, 0, ""}), "");
  HookPlan hook = shell("[ \"$A\" = 1 ] && [ -z \"$HOME\" ]");
  hook.env = {"A=1"};
  EXPECT_EQ(failure_of(hook), "");
}

TEST(HooksTest, DoNotBlockOnAFullPipe) { EXPECT_EQ(failure_of(shell("head -c 1000000 /dev/zero")), ""); }

TEST(HooksTest, AreNotWaitedForThroughTheChildrenTheyLeave) {
  EXPECT_EQ(failure_of(shell("sleep 3 & exit 0")), "");
}

TEST(HooksTest, NameAMissingProgram) {
  EXPECT_NE(failure_of({"/nonexistent/hook", {}, {}, 0, ""}).find("missing (ENOENT)"), std::string::npos);
}

TEST(HooksTest, NameTheFirstThatFails) {
  try {
    run_hooks("prestart", {shell("exit 0"), shell("exit 1"), shell("exit 2")}, "{}");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "error running prestart hook #1: /bin/sh: exit status 1");
  }
}

}  // namespace
}  // namespace agentsafe::process
