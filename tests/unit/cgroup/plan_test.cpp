#include "runtime/cgroup/plan.h"

#include "tests/unit/cgroup/fake_tree.h"

namespace agentsafe::cgroup {
namespace {

Hierarchies hybrid_host(std::optional<std::string> own) {
  return {Mode::hybrid, {{{"pids"}, "/c/pids", "/", own}}, Hierarchy{{}, "/c/unified", "/", own}};
}
Hierarchies v2_host(std::optional<std::string> own) { return {Mode::v2, {}, Hierarchy{{}, "/c", "/", std::move(own)}}; }

TEST(PlanTest, AnAbsolutePathCountsFromTheMountPoint) {
  const auto plan = plan_cgroup("/docker/web", "id", hybrid_host("/user"), {});
  EXPECT_EQ(plan.v1.at(0).directory(), "/c/pids/docker/web");
  EXPECT_EQ(plan.unified->directory(), "/c/unified/docker/web");
}

TEST(PlanTest, ARelativePathCountsFromOurOwnCgroup) {
  const auto plan = plan_cgroup("a/b", "id", hybrid_host("/user"), {});
  EXPECT_EQ(plan.v1.at(0).path, "/user/a/b");
  EXPECT_EQ(plan.unified->path, "/user/a/b");
  EXPECT_EQ(plan_cgroup("a", "id", hybrid_host("/"), {}).v1.at(0).path, "/a");
}

TEST(PlanTest, OnVersion2ARelativePathCountsFromTheParentOfOurOwn) {
  EXPECT_EQ(plan_cgroup("a", "id", v2_host("/system.slice/shim.service"), {}).unified->path, "/system.slice/a");
  EXPECT_EQ(plan_cgroup("a", "id", v2_host("/"), {}).unified->path, "/a");
}

TEST(PlanTest, WithoutAPathTheIdIsUsed) {
  EXPECT_EQ(plan_cgroup("", "web", v2_host("/user/1"), {}).unified->path, "/user/web");
}

TEST(PlanTest, DotsCannotLeaveThePlace) {
  EXPECT_EQ(plan_cgroup("/../../x", "id", v2_host("/"), {}).unified->path, "/x");
  EXPECT_EQ(plan_cgroup("../../x", "id", hybrid_host("/user"), {}).v1.at(0).path, "/user/x");
}

TEST(PlanTest, TheTopIsNobodysCgroup) {
  for (const char* path : {"/", "/..", "//.", "."})
    EXPECT_NE(error_of([&] { (void)plan_cgroup(path, "id", v2_host("/"), {}); }).find("names the top"),
              std::string::npos)
        << path;
}

TEST(PlanTest, ARelativePathNeedsAVisibleOwnCgroup) {
  EXPECT_NE(error_of([] { (void)plan_cgroup("a", "id", v2_host({}), {}); }).find("give an absolute cgroupsPath"),
            std::string::npos);
  EXPECT_EQ(plan_cgroup("/a", "id", v2_host({}), {}).unified->path, "/a");
}

TEST(PlanTest, TheSystemdFormIsAPlainPath) {
  EXPECT_EQ(plan_cgroup("system.slice:docker:7a", "id", v2_host("/"), {}).unified->path, "/system.slice:docker:7a");
}

TEST(PlanTest, RootlessWithoutAPathIsBestEffort) {
  EXPECT_TRUE(plan_cgroup("", "id", v2_host("/"), {.rootless = true}).best_effort);
  EXPECT_FALSE(plan_cgroup("/a", "id", v2_host("/"), {.rootless = true}).best_effort);
  EXPECT_TRUE(plan_cgroup("", "id", v2_host({}), {.rootless = true}).none());
}

TEST(PlanTest, DisabledPlansNone) { EXPECT_TRUE(plan_cgroup("/a", "id", v2_host("/"), {.disabled = true}).none()); }

TEST(PlanTest, SurvivesTheWire) {
  const auto plan = plan_cgroup("/a", "id", hybrid_host("/"), {.rootless = true});
  EXPECT_EQ(wire::decode<CgroupPlan>(wire::encode(plan)), plan);
}

}  // namespace
}  // namespace agentsafe::cgroup
