#include "runtime/cli/program.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "runtime/cli/command.h"
#include "tests/unit/cli/fake_container.h"

namespace agentsafe::cli {
namespace {

using Words = std::vector<std::string>;

class ProgramTest : public testing::Test {
 protected:
  void SetUp() override {
    fake() = {};
    ASSERT_NE(::mkdtemp(folder_), nullptr);
  }
  void TearDown() override {
    ::unlink(log().c_str());
    ::rmdir(folder_);
  }
  [[nodiscard]] std::string log() const { return std::string(folder_) + "/log"; }
  [[nodiscard]] std::string logged() const {
    std::ifstream file(log());
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  char folder_[32] = "/tmp/agentsafe-test-XXXXXX";
};

TEST_F(ProgramTest, BrandsTheVersionByTheNameItIsCalledBy) {
  const Environment environment;
  EXPECT_TRUE(run({"--version"}, environment, "/usr/sbin/agentsafe").out.starts_with("agentsafe version "));
  const Outcome branded = run({"-v"}, environment, "/tmp/runc");
  EXPECT_TRUE(branded.out.starts_with("runc version "));
  EXPECT_NE(branded.out.find("\nspec: 1.3.0\nlibseccomp: "), std::string::npos);
  EXPECT_EQ(branded.out.find("version"), branded.out.rfind("version")) << "dockerd takes the last line with the word";
  EXPECT_EQ(branded.status, 0);
}

TEST_F(ProgramTest, PrintsHelpOfTheProgramAndOfEveryCommand) {
  for (const Words& words : {Words{}, Words{"--help"}, Words{"-h"}, Words{"help"}, Words{"--help", "create"}}) {
    const Outcome outcome = run(words);
    EXPECT_EQ(outcome.status, 0);
    EXPECT_TRUE(outcome.out.starts_with("Usage: agentsafe"));
    EXPECT_EQ(outcome.err, "");
  }
  for (const Command& command : commands()) {
    const std::string name(command.name);
    const Outcome asked = run({name, "--help"});
    EXPECT_EQ(asked.status, 0);
    EXPECT_NE(asked.out.find("agentsafe [OPTION...] " + name), std::string::npos);
    EXPECT_EQ(run({name, "-h"}).out, asked.out);
    EXPECT_EQ(run({"help", name}).out, asked.out);
    EXPECT_EQ(asked.err, "");
  }
}

TEST_F(ProgramTest, RefusesAnUnknownCommand) {
  const Outcome outcome = run({"frobnicate", "web"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.out, "");
  EXPECT_NE(outcome.err.find(R"(unknown command \"frobnicate\")"), std::string::npos);
  EXPECT_EQ(run({"help", "frobnicate"}).status, 1);
}

TEST_F(ProgramTest, TakesGlobalOptionsOnlyBeforeTheCommand) {
  EXPECT_EQ(run({"--root", "/r", "pause", "web"}).status, 0);
  EXPECT_EQ(run({"pause", "--root", "/r", "web"}).status, 1);
}

TEST_F(ProgramTest, CountsArguments) {
  EXPECT_NE(run({"create"}).err.find("expected CONTAINER-ID, got 0 arguments"), std::string::npos);
  EXPECT_EQ(run({"create", "a", "b"}).status, 1);
  EXPECT_EQ(run({"kill", "a", "9", "c"}).status, 1);
  EXPECT_EQ(run({"list", "a"}).status, 1);
  EXPECT_FALSE(fake().created.has_value());
}

TEST_F(ProgramTest, EndsWith255WhenExecFailsAndWith1WhenItsWordsAreWrong) {
  fake().failure = "container does not exist";
  EXPECT_EQ(run({"exec", "web", "ls"}).status, 255);
  EXPECT_EQ(run({"kill", "web"}).status, 1);
  EXPECT_EQ(run({"exec", "--nonsense", "web", "ls"}).status, 1);
  EXPECT_EQ(run({"exec"}).status, 1);
}

TEST_F(ProgramTest, AnswersTheStatusOfTheContainer) {
  fake().status = 137;
  EXPECT_EQ(run({"run", "web"}).status, 137);
  EXPECT_EQ(run({"exec", "web", "ls"}).status, 137);
}

TEST_F(ProgramTest, SaysWhichCommandFailedOnStandardErrorOnly) {
  fake().failure = "container not running";
  const Outcome outcome = run({"kill", "web"});
  EXPECT_EQ(outcome.out, "");
  EXPECT_NE(outcome.err.find("level=error msg=\"agentsafe kill failed: container not running\"\n"), std::string::npos);
}

TEST_F(ProgramTest, ErrorsBeginWithTheNameThatItWasCalledBy) {
  fake().failure = "no";
  EXPECT_NE(run({"create", "web"}, {}, "/usr/sbin/runc").err.find("msg=\"runc create failed: no\""), std::string::npos);
  EXPECT_NE(run({"frob"}, {}, "runc").err.find("msg=\"runc: unknown command"), std::string::npos);
}

TEST_F(ProgramTest, WritesOneLineToTheLogAndTheBareTextToStandardError) {
  fake().failure = "it \"broke\"";
  fake().warning = "careful";
  const Outcome outcome = run({"--log", log(), "--log-format", "json", "create", "web"});
  EXPECT_EQ(outcome.err, "agentsafe create failed: it \"broke\"\n");
  EXPECT_TRUE(logged().starts_with(R"({"level":"error","msg":"agentsafe create failed: it \"broke\"","time":")"));
  EXPECT_EQ(logged().find('\n'), logged().size() - 1);
}

TEST_F(ProgramTest, LogsUsageErrorsToo) {
  const Outcome outcome = run({"--log-format=json", "--log=file:" + log(), "create", "--nonsense"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_TRUE(outcome.err.starts_with("agentsafe create: flag provided but not defined: -nonsense"));
  EXPECT_NE(logged().find("flag provided but not defined: -nonsense"), std::string::npos);
}

TEST_F(ProgramTest, LogsWarningsWhenAllWentWellUnlessOnlyErrorsAreWanted) {
  fake().warning = "careful";
  EXPECT_EQ(run({"--log", log(), "--log-level", "error", "pause", "web"}).status, 0);
  EXPECT_EQ(logged(), "");
  EXPECT_EQ(run({"--log", log(), "pause", "web"}).status, 0);
  EXPECT_NE(logged().find("level=warning msg=\"careful\""), std::string::npos);
}

TEST_F(ProgramTest, FailsWhenTheLogCannotBeOpened) {
  const Outcome outcome = run({"--log", log() + "/below", "pause", "web"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.err.find("open the log"), std::string::npos);
  EXPECT_EQ(outcome.err.find("no such file"), std::string::npos) << "callers take that for a missing command";
  EXPECT_TRUE(fake().paused.empty());
}

TEST_F(ProgramTest, PassesTheGlobalOptionsOn) {
  ASSERT_EQ(
      run({"--root", "/r/./state/", "--policy=oci", "--rootless", "true", "--cgroup-manager=disabled", "pause", "web"})
          .status,
      0);
  EXPECT_EQ(fake().runtime->root, "/r/state");
  EXPECT_TRUE(fake().runtime->root_is_explicit);
  EXPECT_EQ(fake().runtime->policy, "oci");
  EXPECT_EQ(fake().runtime->rootless, true);
  EXPECT_EQ(fake().runtime->cgroup_manager, container::Runtime::CgroupManager::disabled);
}

TEST_F(ProgramTest, LeavesDefaultsToTheContainerLayer) {
  ASSERT_EQ(run({"--rootless=auto", "pause", "web"}).status, 0);
  EXPECT_EQ(fake().runtime->root, "/run/agentsafe");
  EXPECT_FALSE(fake().runtime->root_is_explicit);
  EXPECT_EQ(fake().runtime->policy, std::nullopt);
  EXPECT_EQ(fake().runtime->rootless, std::nullopt);
  EXPECT_EQ(fake().runtime->cgroup_manager, container::Runtime::CgroupManager::cgroupfs);
}

TEST_F(ProgramTest, TakesTheLastOfTwoRootsSoThatWrappersCanBeOverridden) {
  ASSERT_EQ(run({"--root", "/a", "--debug", "--root", "/b", "--debug", "pause", "web"}).status, 0);
  EXPECT_EQ(fake().runtime->root, "/b");
}

TEST_F(ProgramTest, RefusesTheRootDirectoryAndAnEmptyNameForItsState) {
  for (const std::string root : {"/", "//", "/x/..", ""})
    EXPECT_EQ(run({"--root", root, "pause", "web"}).status, 1) << root;
  EXPECT_TRUE(fake().paused.empty());
}

TEST_F(ProgramTest, RefusesAPolicyThatIsNeitherANameNorAPath) {
  const Outcome outcome = run({"--policy", "a b", "create", "web"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.err.find("--policy a b: expected the name of a policy or the path of a file"), std::string::npos);
  EXPECT_FALSE(fake().created.has_value());
}

TEST_F(ProgramTest, ChoosesWhoMakesCgroups) {
  using Manager = container::Runtime::CgroupManager;
  const std::pair<Words, Manager> cases[] = {{{}, Manager::cgroupfs},
                                             {{"--systemd-cgroup"}, Manager::systemd},
                                             {{"--systemd-cgroup=false"}, Manager::cgroupfs},
                                             {{"--cgroup-manager=systemd"}, Manager::systemd},
                                             {{"--cgroup-manager=disabled"}, Manager::disabled}};
  for (const auto& [flags, manager] : cases) {
    Words words = flags;
    words.insert(words.end(), {"create", "web"});
    EXPECT_EQ(run(words).status, 0);
    EXPECT_EQ(fake().runtime->cgroup_manager, manager);
  }
}

TEST_F(ProgramTest, ShowsHowToCheckpoint) {
  EXPECT_EQ(run({"checkpoint", "--help"}).status, 0);
  EXPECT_NE(run({"restore", "-h"}).out.find("--lsm-profile=TYPE:NAME"), std::string::npos);
}

TEST_F(ProgramTest, NamesTheMissingValueOfRestore) {
  EXPECT_NE(run({"restore", "--lsm-mount-context"}).err.find("flag needs an argument: --lsm-mount-context"),
            std::string::npos);
}

}  // namespace
}  // namespace agentsafe::cli
