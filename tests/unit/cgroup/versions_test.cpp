// Both implementations on folders that stand in for the kernel's: what is made, and what is written where.
#include <unistd.h>

#include "runtime/cgroup/cgroup.h"
#include "runtime/cgroup/join.h"
#include "runtime/cgroup/plan_json.h"
#include "tests/unit/cgroup/fake_tree.h"

namespace agentsafe::cgroup {
namespace {

using Lines = std::vector<std::string>;

class Version1Test : public testing::Test {
 protected:
  Place place(const char* controller) { return {{controller}, tree_.top() + "/" + controller, "/", "/docker/web"}; }
  FakeTree tree_;
};

TEST_F(Version1Test, ACpusetStartsWithWhatTheOneAboveHas) {
  tree_.put("cpuset/cpuset.cpus", "0-3\n");
  tree_.put("cpuset/cpuset.mems", "0\n");
  for (const char* file :
       {"docker/cpuset.cpus", "docker/cpuset.mems", "docker/web/cpuset.cpus", "docker/web/cpuset.mems"})
    tree_.put(std::string("cpuset/") + file);
  open_cgroup({.v1 = {place("cpuset")}})->create();
  EXPECT_EQ(tree_.get("cpuset/docker/cpuset.cpus"), "0-3");
  EXPECT_EQ(tree_.get("cpuset/docker/web/cpuset.cpus"), "0-3");
  EXPECT_EQ(tree_.get("cpuset/docker/web/cpuset.mems"), "0");
}

TEST_F(Version1Test, DirectoriesAreUndoneUntilKept) {
  tree_.put("pids/.top");
  {
    auto cgroup = open_cgroup({.v1 = {place("pids")}});
    cgroup->create();
    EXPECT_TRUE(tree_.has("pids/docker/web"));
  }
  EXPECT_FALSE(tree_.has("pids/docker"));
  auto cgroup = open_cgroup({.v1 = {place("pids")}});
  cgroup->create();
  cgroup->keep();
  cgroup.reset();
  EXPECT_TRUE(tree_.has("pids/docker/web"));
}

TEST_F(Version1Test, JoiningIsAWriteOfZeroToEachTasksFile) {
  tree_.put("pids/docker/web/tasks");
  tree_.put("memory/docker/web/tasks");
  auto cgroup = open_cgroup({.v1 = {place("pids"), place("memory")}});
  const Join join = cgroup->join();
  EXPECT_FALSE(join.directory);
  EXPECT_EQ(join.files, (Lines{place("pids").directory() + "/tasks", place("memory").directory() + "/tasks"}));
  join_self(join.files);
  EXPECT_EQ(tree_.get("memory/docker/web/tasks"), "0");
}

TEST_F(Version1Test, SubCgroupsMayDifferByController) {
  tree_.put("pids/docker/web/a/tasks");
  tree_.put("memory/docker/web/tasks");
  auto cgroup = open_cgroup({.v1 = {place("pids"), place("memory")}});
  EXPECT_EQ(cgroup->join_below({"pids:a"}).files,
            (Lines{place("pids").directory() + "/a/tasks", place("memory").directory() + "/tasks"}));
}

TEST_F(Version1Test, ALimitWithoutItsControllerIsAnError) {
  tree_.put("pids/docker/web/pids.max");
  auto cgroup = open_cgroup({.v1 = {place("pids")}, .rootless = true});
  oci::Resources resources;
  resources.cpu = {.shares = 512};
  EXPECT_EQ(error_of([&] { cgroup->apply(resources); }),
            "cannot set cpu.shares to 512: the cpu controller is not mounted on this host");
}

TEST_F(Version1Test, DevicesAreDeniedFirst) {
  tree_.put("devices/docker/web/devices.deny");
  tree_.put("devices/docker/web/devices.allow");
  open_cgroup({.v1 = {place("devices")}})->apply({});
  EXPECT_EQ(tree_.get("devices/docker/web/devices.deny"), "a");
  EXPECT_EQ(tree_.get("devices/docker/web/devices.allow").substr(0, 9), "c 136:* r");  // the last of several
}

TEST_F(Version1Test, WithoutAnyDeviceControlThereIsNoContainer) {
  tree_.put("pids/docker/web/pids.max");
  EXPECT_NE(error_of([&] { open_cgroup({.v1 = {place("pids")}})->apply({}); }).find("limit devices"),
            std::string::npos);
}

TEST_F(Version1Test, AMissingFreezerIsTolerated) {
  tree_.put("pids/docker/web/pids.max");
  auto cgroup = open_cgroup({.v1 = {place("pids")}});
  EXPECT_FALSE(cgroup->frozen());
  EXPECT_NO_THROW(cgroup->thaw());
  EXPECT_NE(error_of([&] { cgroup->freeze(); }).find("freezer"), std::string::npos);
}

TEST_F(Version1Test, FrozenIsReadFromTheFreezer) {
  tree_.put("freezer/docker/web/freezer.state", "FROZEN\n");
  tree_.put("freezer/docker/web/freezer.self_freezing", "1\n");
  EXPECT_TRUE(open_cgroup({.v1 = {place("freezer")}})->frozen());
  tree_.put("freezer/docker/web/freezer.self_freezing", "0\n");  // only a cgroup above is frozen
  EXPECT_FALSE(open_cgroup({.v1 = {place("freezer")}})->frozen());
}

class Version2Test : public testing::Test {
 protected:
  CgroupPlan plan() { return {.unified = Place{{}, tree_.top(), "/", "/docker/web"}}; }
  FakeTree tree_;
};

TEST_F(Version2Test, ControllersAreEnabledFromTheTopDown) {
  tree_.put("cgroup.controllers", "cpu memory pids\n");
  tree_.put("cgroup.subtree_control", "");
  tree_.put("docker/cgroup.controllers", "cpu memory pids\n");
  tree_.put("docker/cgroup.subtree_control", "");
  tree_.put("docker/web/cgroup.controllers", "");
  open_cgroup(plan())->create();
  EXPECT_EQ(tree_.get("cgroup.subtree_control"), "+cpu +memory +pids");
  EXPECT_EQ(tree_.get("docker/cgroup.subtree_control"), "+cpu +memory +pids");
  EXPECT_FALSE(tree_.has("docker/web/cgroup.subtree_control"));
}

TEST_F(Version2Test, AThreadedPlaceIsRefused) {
  tree_.put("docker/web/cgroup.type", "domain invalid\n");
  EXPECT_NE(error_of([&] { open_cgroup(plan())->create(); }).find("threaded"), std::string::npos);
}

TEST_F(Version2Test, ProcessesInSubCgroupsCountAsUse) {
  tree_.put("docker/web/cgroup.procs", "7\n");
  tree_.put("docker/web/inner/deeper/cgroup.procs", "8\n9\n7\n");
  EXPECT_EQ(error_of([&] { open_cgroup(plan())->create(); }), "container's cgroup is not empty: 3 process(es) found");
  EXPECT_EQ(open_cgroup(plan())->pids(), (std::vector<pid_t>{7, 8, 9}));
}

TEST_F(Version2Test, AFrozenPlaceIsRefused) {
  tree_.put("docker/web/cgroup.freeze", "1\n");
  EXPECT_EQ(error_of([&] { open_cgroup(plan())->create(); }), "container's cgroup unexpectedly frozen");
}

TEST_F(Version2Test, CheckBeforeUpdateRefusesALimitBelowTheUsage) {
  tree_.put("docker/web/memory.current", "1000\n");
  tree_.put("docker/web/memory.max", "max\n");
  oci::Resources change;
  change.memory = {.limit = 500, .checkBeforeUpdate = true};
  EXPECT_NE(error_of([&] { (void)open_cgroup(plan())->update(change, {}); }).find("below what is in use"),
            std::string::npos);
  EXPECT_EQ(tree_.get("docker/web/memory.max"), "max\n");
}

TEST_F(Version2Test, KillUsesTheKernelsOwn) {
  tree_.put("docker/web/cgroup.kill");
  open_cgroup(plan())->kill_all(9);
  EXPECT_EQ(tree_.get("docker/web/cgroup.kill"), "1");
}

TEST_F(Version2Test, SubCgroupsHaveNoControllers) {
  tree_.put("docker/web/inner/cgroup.procs");
  auto cgroup = open_cgroup(plan());
  EXPECT_TRUE(cgroup->join_below({"inner"}).directory);
  EXPECT_NE(error_of([&] { (void)cgroup->join_below({"pids:inner"}); }).find("bad sub cgroup path"), std::string::npos);
  EXPECT_NE(error_of([&] { (void)cgroup->join_below({"a", "b"}); }).find("bad sub cgroup path"), std::string::npos);
}

// sysfs(5) lets nobody make a folder.
TEST_F(Version2Test, WhereNoCgroupCanBeMadeALimitSaysWhatToDo) {
  auto cgroup = open_cgroup({.unified = Place{{}, "/sys/fs", "/", "/agentsafe-unit"}, .best_effort = true});
  cgroup->create();
  EXPECT_NO_THROW(cgroup->apply({}));
  oci::Resources resources;
  resources.pids = {.limit = 5};
  const auto message = error_of([&] { cgroup->apply(resources); });
  EXPECT_EQ(message.find("cannot set pids.max to 5: the container has no cgroup: let the user have one"), 0U) << message;
}

TEST_F(Version2Test, AGoneCgroupIsEmptyAndRemoved) {
  auto cgroup = open_cgroup(plan());
  EXPECT_FALSE(cgroup->populated());
  EXPECT_TRUE(cgroup->pids().empty());
  EXPECT_FALSE(cgroup->open_events());
  EXPECT_NO_THROW(cgroup->kill_all(9));
  EXPECT_NO_THROW(cgroup->remove());
}

TEST(NoCgroupTest, DoesNothingButRefuseLimits) {
  auto cgroup = open_cgroup({});
  cgroup->create();
  EXPECT_TRUE(cgroup->join().files.empty());
  EXPECT_FALSE(cgroup->join().directory);
  EXPECT_NO_THROW(cgroup->apply({}));
  EXPECT_NO_THROW(cgroup->remove());
  EXPECT_FALSE(cgroup->frozen());
  oci::Resources resources;
  resources.pids = {.limit = 5};
  EXPECT_EQ(error_of([&] { cgroup->apply(resources); }),
            "cannot set pids.max to 5: the container has no cgroup: let the user have one that is delegated (systemd's "
            "Delegate=yes), or leave its limits out (in a policy: \"unlimited\")");
  resources.pids = {.limit = -1};
  EXPECT_NO_THROW(cgroup->apply(resources));
}

TEST(PlanJsonTest, SurvivesTheState) {
  const CgroupPlan plan{.v1 = {{{"cpu", "cpuacct"}, "/c/cpu", "/", "/web"}},
                        .unified = Place{{}, "/c/u", "/x", "/web"}};
  EXPECT_EQ(json::read<CgroupPlan>(json::write(plan)), plan);
  EXPECT_EQ(json::read<CgroupPlan>(json::write(CgroupPlan{})), CgroupPlan{});
}

TEST(JoinTest, NamesTheFileThatIsMissing) {
  const auto message = error_of([] { join_self({"/nonexistent/tasks"}); });
  EXPECT_EQ(message.find("join the cgroup: "), 0U) << message;
  EXPECT_NE(message.find("/nonexistent/tasks"), std::string::npos) << message;
}

}  // namespace
}  // namespace agentsafe::cgroup
