#include "runtime/cgroup/writes.h"

#include "runtime/cgroup/directory.h"
#include "tests/unit/cgroup/fake_tree.h"

namespace agentsafe::cgroup {
namespace {

using Lines = std::vector<std::string>;

class WritesTest : public testing::Test {
 protected:
  FakeTree tree_;
  Directory directory_{{{"pids"}, tree_.top(), "/", "/web"}};
  Finder find_ = [this](const Write&) { return &directory_; };
};

TEST_F(WritesTest, EachValueGoesToItsFile) {
  tree_.put("web/a.max");
  tree_.put("web/b.max");
  apply_writes(find_, {{"a", "a.max", "1"}, {"b", "b.max", "2"}});
  EXPECT_EQ(tree_.get("web/a.max"), "1");
  EXPECT_EQ(tree_.get("web/b.max"), "2");
}

TEST_F(WritesTest, AMissingFileIsAnErrorThatNamesTheController) {
  tree_.put("web/other");
  const auto message = error_of([&] { apply_writes(find_, {{"pids", "pids.max", "1"}}); });
  EXPECT_NE(message.find("/web: cannot set pids.max to 1"), std::string::npos) << message;
  EXPECT_NE(message.find("pids controller"), std::string::npos) << message;
  EXPECT_EQ(message.find("No such file"), std::string::npos) << message;
}

TEST_F(WritesTest, AFileThatMayBeAbsentMay) {
  tree_.put("web/other");
  EXPECT_NO_THROW(apply_writes(find_, {{.controller = "a", .file = "a.max", .value = "max", .may_be_absent = true}}));
  EXPECT_FALSE(tree_.has("web/a.max"));
}

TEST_F(WritesTest, DefaultsAreWrittenToOldDirectoriesOnly) {
  const std::vector<Write> writes{{.controller = "a", .file = "a.max", .value = "max", .is_default = true}};
  tree_.put("web/a.max", "5");
  apply_writes(find_, writes);
  EXPECT_EQ(tree_.get("web/a.max"), "max");
  Directory fresh({{}, tree_.top(), "/", "/new"});
  fresh.make();
  EXPECT_NO_THROW(apply_writes([&](const Write&) { return &fresh; }, writes));
}

TEST_F(WritesTest, AFailedUpdateRestoresWhatWasThere) {
  tree_.put("web/a.max", "5");
  tree_.put("web/other");
  EXPECT_NE(error_of([&] { update_writes(find_, {{"a", "a.max", "7"}, {"b", "b.max", "1"}}); }), "no error");
  EXPECT_EQ(tree_.get("web/a.max"), "5");
}

TEST_F(WritesTest, ASuccessfulUpdateStays) {
  tree_.put("web/a.max", "5");
  update_writes(find_, {{"a", "a.max", "7"}});
  EXPECT_EQ(tree_.get("web/a.max"), "7");
}

TEST(RestoringTest, PlainFilesGetBackEachLine) {
  EXPECT_EQ(restoring_values({"cpu", "cpu.max", "1 2"}, "max 100000\n"), Lines{"max 100000"});
  EXPECT_EQ(restoring_values({"x", "x", "1"}, "a 1\nb 2\n"), (Lines{"a 1", "b 2"}));
}

TEST(RestoringTest, DeviceLinesGetBackTheirLineOrNone) {
  const Write write{"io", "io.max", "8:0 rbps=1", "8:0", "8:0 rbps=max"};
  EXPECT_EQ(restoring_values(write, "8:00 rbps=3\n8:0 rbps=2 wbps=max\n"), Lines{"8:0 rbps=2 wbps=max"});
  EXPECT_EQ(restoring_values(write, "8:16 rbps=2\n"), Lines{"8:0 rbps=max"});
}

TEST(RestoringTest, OomControlTakesTheValueAlone) {
  EXPECT_EQ(
      restoring_values({"memory", "memory.oom_control", "1", "oom_kill_disable"}, "oom_kill_disable 0\nunder_oom 0\n"),
      Lines{"0"});
}

}  // namespace
}  // namespace agentsafe::cgroup
