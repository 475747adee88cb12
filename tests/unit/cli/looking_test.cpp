// The verbs that only look: seccomp and policy. What filters and policies mean is tested in their folders.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "oci/json_value.h"
#include "runtime/cli/seccomp_text.h"
#include "tests/unit/cli/fake_container.h"

namespace agentsafe::cli {
namespace {

class LookingTest : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/agentsafe-looking.XXXXXX";
    ASSERT_NE(::mkdtemp(pattern), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ + "/" + name) << text;
    return folder_ + "/" + name;
  }
  static std::string refusal(const std::vector<std::string>& words) {
    const Outcome outcome = run(words);
    EXPECT_NE(outcome.status, 0) << words.back();
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    return outcome.err;
  }

  std::string folder_;
};

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_F(LookingTest, SeccompListNamesTheProfiles) {
  EXPECT_TRUE(says(run({"seccomp", "list"}).out, "agent-default   What an agent"));
  const std::string text = run({"seccomp", "--json", "list"}).out;
  const json::Document list = json::parse(text);
  EXPECT_EQ(list.root().kind, json::Value::Kind::array);
  for (const json::Value& profile : list.root()) EXPECT_NE(profile.find("instructions"), nullptr);
}

TEST_F(LookingTest, SeccompShowPrintsRulesObjectsAndInstructions) {
  const std::string rules = run({"seccomp", "show", "agent-default"}).out;
  EXPECT_TRUE(rules.starts_with("a call that no rule is about: refused with ENOSYS\n"));
  EXPECT_TRUE(says(rules, "\n0. allowed: files"));
  EXPECT_TRUE(says(rules, " if arg0 "));
  EXPECT_TRUE(says(rules, " and ") && says(rules, " or ") && says(rules, " & "));
  EXPECT_TRUE(says(run({"seccomp", "--json", "show", "agent-build"}).out, "\"defaultAction\": \"SCMP_ACT_ERRNO\""));
  const std::string instructions = run({"seccomp", "--bpf", "show", "agent-offline"}).out;
  EXPECT_GT(instructions.size(), 800U);
  EXPECT_EQ(instructions.size() % 8, 0U);
}

TEST_F(LookingTest, SeccompTestAnswersForNamesNumbersAndRanges) {
  EXPECT_TRUE(says(run({"seccomp", "test", "agent-default", "read"}).out, "read(): allowed\n  rule 0: files"));
  EXPECT_TRUE(says(run({"seccomp", "test", "agent-default", "socket", "0x28", "1"}).out, "refused with EPERM"));
  EXPECT_TRUE(says(run({"seccomp", "test", "agent-default", "--", "personality", "-1"}).out, "personality("));
  const std::string range = run({"seccomp", "test", "agent-default", "0-9"}).out;
  EXPECT_EQ(std::count(range.begin(), range.end(), '\n'), 20);
  EXPECT_TRUE(
      says(run({"seccomp", "test", "agent-default", "511"}).out, "511(): refused with ENOSYS\n  no rule is about it"));
  EXPECT_TRUE(
      says(run({"seccomp", "--arch", "x86", "test", "agent-default", "4"}).out, "does not list this architecture"));
  EXPECT_TRUE(says(run({"seccomp", "--arch", "x32", "test", "agent-default", "0"}).out, "refused with ENOSYS"));
  EXPECT_TRUE(says(run({"seccomp", "--json", "test", "agent-default", "clone3"}).out,
                   R"("action":"SCMP_ACT_ERRNO","errno":38,"rule":)"));
}

TEST_F(LookingTest, SeccompReadsFiles) {
  const std::string mine = file("mine.json", R"({"defaultAction": "SCMP_ACT_TRACE", "defaultErrnoRet": 7, "syscalls": [
      {"names": ["read"], "action": "SCMP_ACT_LOG"}, {"names": ["write"], "action": "SCMP_ACT_KILL"},
      {"names": ["open"], "action": "SCMP_ACT_TRAP"}]})");
  EXPECT_TRUE(says(run({"seccomp", "test", mine, "read"}).out, "allowed and logged"));
  EXPECT_TRUE(says(run({"seccomp", "test", mine, "write"}).out, "the end of the thread"));
  EXPECT_TRUE(says(run({"seccomp", "test", mine, "open"}).out, "SIGSYS"));
  EXPECT_TRUE(says(run({"seccomp", "test", mine, "close"}).out, "given to a tracer, with 7"));
  EXPECT_TRUE(says(run({"seccomp", "--json", "test", mine, "close"}).out, "\"data\":7"));
  const std::string more = file("more.json", R"({"extends": "agent-default", "defaultAction": "SCMP_ACT_ERRNO",
      "defaultErrnoRet": 38, "flags": [],
      "syscalls": [{"names": ["getpid"], "action": "SCMP_ACT_ERRNO", "errnoRet": 5}]})");
  EXPECT_TRUE(says(run({"seccomp", "test", more, "getpid"}).out, "refused with EIO"));
}

TEST_F(LookingTest, SeccompRefusesInOneLine) {
  EXPECT_TRUE(says(refusal({"seccomp", "show", "none"}), "there is no profile \\\"none\\\", but agent-default"));
  EXPECT_TRUE(says(refusal({"seccomp", "show", folder_ + "/none.json"}), "open the profile"));
  EXPECT_TRUE(says(refusal({"seccomp", "test", "agent-default", "no_such_call"}), "a number will do"));
  EXPECT_TRUE(says(refusal({"seccomp", "test", "agent-default", "9-1"}), "is no range"));
  EXPECT_TRUE(says(refusal({"seccomp", "test", "agent-default", "read", "x"}), "is no number"));
  EXPECT_TRUE(says(refusal({"seccomp", "list", "more"}), "expected"));
  EXPECT_TRUE(
      says(refusal({"seccomp", "show", file("x.json", R"({"extends":"none","defaultAction":"SCMP_ACT_ERRNO"})")}),
           "it extends"));
  const std::string unknown = file("y.json", R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[
      {"names":["no_such_call"],"action":"SCMP_ACT_ERRNO"}]})");
  EXPECT_TRUE(says(refusal({"seccomp", "test", unknown, "read"}), "no_such_call"));
}

TEST_F(LookingTest, AnswersHaveWords) {
  EXPECT_EQ(answer_in_words("SCMP_ACT_NOTIFY", 0), "given to an agent");
  EXPECT_EQ(answer_in_words("SCMP_ACT_KILL_PROCESS", 0), "the end of the process (SIGSYS)");
  EXPECT_EQ(answer_in_words("SCMP_ACT_ERRNO", 4000), "refused with errno 4000");
}

TEST_F(LookingTest, PolicyListAndShow) {
  const std::string list = run({"policy", "list"}).out;
  for (const char* name : {"strict ", "moderate ", "open ", "oci "}) EXPECT_TRUE(says(list, name)) << name;
  EXPECT_TRUE(says(run({"policy", "--format", "json", "list"}).out, "\"name\": \"strict\""));
  EXPECT_TRUE(says(run({"policy", "show", "strict"}).out, "egress.mode: \"strict\""));
  EXPECT_TRUE(says(run({"policy", "--format", "json", "show", "oci"}).out, "\"mode\": \"off\""));
  EXPECT_TRUE(says(refusal({"policy", "show", "none"}), "there is no policy"));
}

TEST_F(LookingTest, PolicyCheckSaysWhatIsWrong) {
  const std::string good = file("good.json", R"({"version": 1, "limits": {"memory": "1G"}})");
  const std::string bad = file("bad.json", R"({"version": 1, "limits": {"memory": "4X", "wall": "x"}})");
  for (const auto& path : {good, bad}) ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
  EXPECT_EQ(run({"policy", "check", good}).out, good + ": can be used\n");
  EXPECT_TRUE(says(run({"policy", "--format", "json", "check", good}).out, "\"usable\": true"));
  EXPECT_TRUE(says(refusal({"policy", "check", bad}), "limits.memory"));
  const Outcome json = run({"policy", "--format", "json", "check", bad});
  EXPECT_EQ(json.status, 1);
  EXPECT_TRUE(says(json.out, "\"usable\": false"));
  EXPECT_TRUE(says(refusal({"policy", "check"}), "expected list"));
}

TEST_F(LookingTest, PolicyExplainsABundle) {
  const std::string bundle = folder_ + "/bundle";
  std::filesystem::create_directories(bundle + "/rootfs");
  ASSERT_EQ(run({"spec", "--bundle", bundle}).status, 0);
  const Outcome text = run({"--policy", "strict", "policy", "explain", bundle});
  EXPECT_EQ(text.status, 0) << text.err;
  EXPECT_TRUE(says(text.out, "rule limits.memory, from built-in policy strict"));
  EXPECT_TRUE(says(run({"--policy", "strict", "policy", "--format", "json", "explain", bundle}).out,
                   "\"rule\": \"limits.pids\""));
}

}  // namespace
}  // namespace agentsafe::cli
