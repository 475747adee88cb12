#include <gtest/gtest.h>

#include "tests/unit/oci/validate_harness.h"

namespace agentsafe::oci {
namespace {

template <class Change>
std::string process_findings(Change change) {
  Process process{.args = {"sh"}, .cwd = "/"};
  change(process);
  return text_of(validate_process(process));
}

TEST(ValidateProcessTest, WantsArgumentsAndAnAbsoluteWorkingDirectory) {
  EXPECT_EQ(process_findings([](Process&) {}), "");
  EXPECT_EQ(process_findings([](Process& p) { p.args.clear(); }), "process.args: must have at least one entry");
  EXPECT_EQ(process_findings([](Process& p) { p.cwd = "tmp"; }), "process.cwd: must be an absolute path");
  EXPECT_EQ(process_findings([](Process& p) { p.cwd = ""; }), "process.cwd: must be an absolute path");
}

TEST(ValidateProcessTest, WantsNamesAndValuesInTheEnvironment) {
  EXPECT_EQ(process_findings([](Process& p) {
              p.env = {"A=", "B", "=c", "D=e=f"};
            }),
            "process.env[1]: must be NAME=value; process.env[2]: must have a name before the \"=\"");
}

TEST(ValidateProcessTest, RefusesTheIdThatMeansUnchanged) {
  EXPECT_EQ(
      process_findings([](Process& p) {
        p.user = {UINT32_MAX, UINT32_MAX, 01000, {1, UINT32_MAX}};
      }),
      "process.user.uid: must be at most 4294967294; process.user.gid: must be at most 4294967294; "
      "process.user.additionalGids[1]: must be at most 4294967294; process.user.umask: must be at most 511 (0777)");
}

TEST(ValidateProcessTest, ChecksRlimits) {
  EXPECT_EQ(process_findings([](Process& p) {
              p.rlimits = {{"RLIMIT_CORE", 1, 2}, {"RLIMIT_X", 1, 1}, {"RLIMIT_CORE", UINT64_MAX, UINT64_MAX}};
            }),
            "process.rlimits[0].soft: must not exceed hard; process.rlimits[1].type: \"RLIMIT_X\" is unknown; "
            "process.rlimits[2].type: RLIMIT_CORE is set twice");
}

TEST(ValidateProcessTest, LeavesUnknownCapabilitiesToTheirWarning) {
  EXPECT_EQ(process_findings([](Process& p) { p.capabilities.emplace().bounding = {"CAP_UNHEARD_OF"}; }), "");
}

TEST(ValidateProcessTest, ChecksPriorities) {
  EXPECT_EQ(
      process_findings([](Process& p) {
        p.oomScoreAdj = 1001;
        p.ioPriority = {"IOPRIO_CLASS_NONE", 8};
        p.execCPUAffinity = {"0-", "3-1"};
      }),
      "process.oomScoreAdj: must be from -1000 to 1000; process.ioPriority.class: \"IOPRIO_CLASS_NONE\" is unknown; "
      "process.ioPriority.priority: must be from 0 to 7; "
      "process.execCPUAffinity.initial: must be a list of CPUs such as 0-3,7; "
      "process.execCPUAffinity.final: must be a list of CPUs such as 0-3,7");
  EXPECT_EQ(process_findings([](Process& p) {
              p.oomScoreAdj = -1000;
              p.ioPriority = {"IOPRIO_CLASS_IDLE", 0};
              p.execCPUAffinity = {"", "0, 2-4"};
            }),
            "");
}

TEST(ValidateProcessTest, GivesEachSchedulerItsOwnParameters) {
  const auto with = [](const Scheduler& scheduler) {
    return process_findings([&](Process& p) { p.scheduler = scheduler; });
  };
  EXPECT_EQ(with({.policy = "SCHED_OTHER", .nice = -20}), "");
  EXPECT_EQ(with({.policy = "SCHED_BATCH", .nice = 19, .flags = {"SCHED_FLAG_RESET_ON_FORK"}}), "");
  EXPECT_EQ(with({.policy = "SCHED_FIFO", .priority = 99}), "");
  EXPECT_EQ(with({.policy = "SCHED_IDLE"}), "");
  EXPECT_EQ(with({.policy = "SCHED_DEADLINE", .runtime = 1, .deadline = 2}), "");
  EXPECT_EQ(with({.policy = "SCHED_NONE"}), "process.scheduler.policy: \"SCHED_NONE\" is unknown");
  EXPECT_EQ(with({.policy = "SCHED_OTHER", .flags = {"SCHED_FLAG_X"}}),
            "process.scheduler.flags[0]: \"SCHED_FLAG_X\" is unknown");
  EXPECT_EQ(with({.policy = "SCHED_OTHER", .nice = 20}), "process.scheduler.nice: must be from -20 to 19");
  EXPECT_EQ(with({.policy = "SCHED_RR", .nice = 1, .priority = 1}),
            "process.scheduler.nice: goes only with SCHED_OTHER and SCHED_BATCH");
  EXPECT_EQ(with({.policy = "SCHED_RR"}), "process.scheduler.priority: must be from 1 to 99");
  EXPECT_EQ(with({.policy = "SCHED_OTHER", .priority = 1}),
            "process.scheduler.priority: goes only with SCHED_FIFO and SCHED_RR");
  EXPECT_EQ(with({.policy = "SCHED_OTHER", .period = 1}),
            "process.scheduler: runtime, deadline and period go only with SCHED_DEADLINE");
  for (const Scheduler& wrong : {Scheduler{.policy = "SCHED_DEADLINE"},
                                 Scheduler{.policy = "SCHED_DEADLINE", .runtime = 3, .deadline = 2, .period = 4},
                                 Scheduler{.policy = "SCHED_DEADLINE", .runtime = 1, .deadline = 3, .period = 2}})
    EXPECT_EQ(with(wrong), "process.scheduler: SCHED_DEADLINE needs 0 < runtime <= deadline <= period");
}

}  // namespace
}  // namespace agentsafe::oci
