// The life of a real cgroup: made, joined, frozen, killed, removed.
#include <fcntl.h>

#include "tests/unit/cgroup/live_fixture.h"

namespace agentsafe::cgroup {
namespace {

using namespace std::chrono_literals;

TEST_F(LiveCgroupTest, AProcessJoinsEveryHierarchy) {
  const pid_t pid = spawn_sleeper();
  const auto own = sys::read_file(sys::at_cwd, "/proc/" + std::to_string(pid) + "/cgroup");
  for (const auto& place : plan_.v1) EXPECT_NE(own.find(place.path), std::string::npos) << place.mount_point;
  std::size_t found = 0;
  for (std::size_t at = own.find(plan_.unified->path); at != std::string::npos;
       at = own.find(plan_.unified->path, at + 1))
    ++found;
  EXPECT_EQ(found, plan_.v1.size() + 1);
  EXPECT_EQ(cgroup_->pids(), std::vector<pid_t>{pid});
  EXPECT_TRUE(cgroup_->populated());
}

TEST_F(LiveCgroupTest, TheDestructorRemovesWhatCreateMade) {
  cgroup_.reset();
  for (const auto& place : plan_.v1) EXPECT_FALSE(sys::try_fstatat(sys::at_cwd, place.directory()));
  if (plan_.unified) {
    EXPECT_FALSE(sys::try_fstatat(sys::at_cwd, plan_.unified->directory()));
  }
}

TEST_F(LiveCgroupTest, ACgroupInUseIsRefused) {
  spawn_sleeper();
  auto second = open_cgroup(plan_);
  EXPECT_EQ(error_of([&] { second->create(); }), "container's cgroup is not empty: 1 process(es) found");
}

TEST_F(LiveCgroupTest, ARefusedCgroupsProcessesAreNotKilled) {
  const pid_t pid = spawn_sleeper();
  auto second = open_cgroup(plan_);
  EXPECT_NE(error_of([&] { second->create(); }), "no error");
  second->kill_all(SIGKILL);
  second->remove();
  EXPECT_FALSE(sys::wait_readable(children_.back().pidfd, 0ms));
  EXPECT_EQ(cgroup_->pids(), std::vector<pid_t>{pid});
}

TEST_F(LiveCgroupTest, AFrozenCgroupIsRefused) {
  cgroup_->freeze();
  auto second = open_cgroup(plan_);
  EXPECT_EQ(error_of([&] { second->create(); }), "container's cgroup unexpectedly frozen");
}

TEST_F(LiveCgroupTest, FreezeStopsAndThawLetsGoOn) {
  spawn_sleeper();
  EXPECT_FALSE(cgroup_->frozen());
  cgroup_->freeze();
  EXPECT_TRUE(cgroup_->frozen());
  cgroup_->thaw();
  EXPECT_FALSE(cgroup_->frozen());
}

TEST_F(LiveCgroupTest, KillEndsFrozenProcessesAndTheirChildren) {
  auto ready = sys::pipe();
  spawn([&] {
    if (::fork() >= 0) sys::write_all(ready.write_end, "x");
    for (;;) ::pause();
    return 0;
  });
  ready.write_end.reset();
  read_bytes(ready.read_end, 2);
  EXPECT_EQ(cgroup_->pids().size(), 2U);
  cgroup_->freeze();
  cgroup_->kill_all(SIGKILL);
  EXPECT_TRUE(cgroup_->wait_until_empty(5s));
  EXPECT_EQ(sys::wait(children_.front().pidfd).signal, SIGKILL);
  children_.clear();
}

TEST_F(LiveCgroupTest, OtherSignalsReachEveryProcess) {
  spawn_sleeper();
  spawn_sleeper();
  cgroup_->kill_all(SIGTERM);
  for (auto& child : children_) EXPECT_EQ(sys::wait(child.pidfd).signal, SIGTERM);
  children_.clear();
}

TEST_F(LiveCgroupTest, RemoveTakesSubCgroupsToo) {
  ASSERT_TRUE(sys::try_mkdirat(sys::at_cwd, file("pids", "child"), 0755));
  ASSERT_TRUE(sys::try_mkdirat(sys::at_cwd, file("pids", "child/grandchild"), 0755));
  cgroup_->remove();
  EXPECT_FALSE(sys::try_fstatat(sys::at_cwd, file("pids", "")));
}

TEST_F(LiveCgroupTest, RemoveNamesTheProcessesThatStay) {
  spawn_sleeper();
  const auto message = error_of([&] { cgroup_->remove(10ms); });
  EXPECT_NE(message.find("1 process(es) are still in it"), std::string::npos) << message;
}

TEST_F(LiveCgroupTest, ExecJoinsASubCgroup) {
  const std::string child = file("pids", "inner");
  ASSERT_TRUE(sys::try_mkdirat(sys::at_cwd, child, 0755));
  const Join join = cgroup_->join_below({v2() ? "inner" : "pids:inner"});
  children_.push_back(sys::clone3({.cgroup_fd = join.directory.get()}, [&] {
    join_self(join.files);
    return sys::read_file(sys::at_cwd, child + "/cgroup.procs").empty() ? 1 : 0;
  }));
  EXPECT_EQ(sys::wait(children_.back().pidfd).code, 0);
  children_.clear();
}

TEST_F(LiveCgroupTest, SubCgroupsStayBelowTheContainer) {
  for (const char* path : {"../other", "a/../../..", "/../x"})
    EXPECT_EQ(error_of([&] { (void)cgroup_->join_below({path}); }), std::string("bad sub cgroup path: ") + path);
  EXPECT_NE(error_of([&] { (void)cgroup_->join_below({"missing"}); }), "no error");
  EXPECT_NE(error_of([&] { (void)cgroup_->join_below({"nonsense:x"}); }).find("bad sub cgroup path"),
            std::string::npos);
}

TEST_F(LiveCgroupTest, ExecFollowsInitToItsCurrentCgroup) {
  const pid_t init = spawn_sleeper();
  ASSERT_TRUE(sys::try_mkdirat(sys::at_cwd, file("pids", "init"), 0755));
  sys::write_file(sys::at_cwd, file("pids", "init/cgroup.procs"), std::to_string(init));
  const Join join = cgroup_->join_of(init);
  children_.push_back(sys::clone3({.cgroup_fd = join.directory.get()}, [&] {
    join_self(join.files);
    return text::lines(sys::read_file(sys::at_cwd, file("pids", "init/cgroup.procs"))).size() == 2 ? 0 : 1;
  }));
  EXPECT_EQ(sys::wait(children_.back().pidfd).code, 0);
  children_.pop_back();
}

TEST_F(LiveCgroupTest, AnUnprivilegedUserWithoutAPathGetsNoneAndNoLimits) {
  CgroupPlan plan = plan_;
  plan.best_effort = plan.rootless = true;
  for (auto& place : plan.v1) place.path += "/inner";
  plan.unified->path += "/inner";
  auto child = sys::clone3({}, [&] {
    if (::setresuid(65534, 65534, 65534) != 0) return 1;
    auto cgroup = open_cgroup(plan);
    cgroup->create();
    cgroup->apply({});
    if (!cgroup->join().files.empty() || cgroup->join().directory) return 2;
    oci::Resources resources;
    resources.pids = {.limit = 5};
    return error_of([&] { cgroup->apply(resources); }).starts_with("cannot set pids.max to 5") ? 0 : 3;
  });
  EXPECT_EQ(sys::wait(child.pidfd).code, 0);
}

}  // namespace
}  // namespace agentsafe::cgroup
