// Against the kernel: real cgroups on whatever hierarchies this host has. Skipped where they may not be made.
#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/base/text.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/cgroup/join.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"
#include "tests/unit/cgroup/fake_tree.h"

namespace agentsafe::cgroup {

class LiveCgroupTest : public testing::Test {
 protected:
  void SetUp() override {
    host_ = probe_hierarchies();
    if (::geteuid() != 0 || host_.mode == Mode::none) GTEST_SKIP() << "needs root and a mounted cgroup file system";
    const std::string test = testing::UnitTest::GetInstance()->current_test_info()->name();
    plan_ = plan_cgroup("/agentsafe-unit-" + std::to_string(::getpid()) + "/" + test, "id", host_, {});
    cgroup_ = open_cgroup(plan_);
    const std::string refusal = error_of([&] { cgroup_->create(); });
    if (refusal.find("permitted") != std::string::npos || refusal.find("read-only") != std::string::npos ||
        refusal.find("denied") != std::string::npos)
      GTEST_SKIP() << refusal;
    ASSERT_EQ(refusal, "no error");
  }
  void TearDown() override {
    if (!cgroup_) return;
    cgroup_->thaw();
    cgroup_->kill_all(SIGKILL);
    for (auto& child : children_) sys::wait(child.pidfd);
    EXPECT_TRUE(cgroup_->wait_until_empty(std::chrono::seconds(5)));
    cgroup_->remove();  // with the sub-cgroups that a test made
  }

  // A process in the cgroup that runs body after it has joined as init does.
  sys::Child& spawn(const std::function<int()>& body) {
    const Join join = cgroup_->join();
    children_.push_back(sys::clone3({.cgroup_fd = join.directory.get()}, [&] {
      join_self(join.files);
      return body();
    }));
    return children_.back();
  }
  // One that stays. Returns when it has joined.
  pid_t spawn_sleeper() {
    auto ready = sys::pipe();
    const auto& child = spawn([&] {
      sys::write_all(ready.write_end, "x");
      for (;;) ::pause();
      return 0;
    });
    ready.write_end.reset();
    read_bytes(ready.read_end, 1);
    return child.pid;
  }
  static void read_bytes(FdRef pipe, int count) {
    char byte = 0;
    for (int i = 0; i < count; ++i) EXPECT_EQ(::read(pipe.get(), &byte, 1), 1);
  }
  [[nodiscard]] bool v2() const { return host_.mode == Mode::v2; }
  [[nodiscard]] std::string file(const std::string& controller, const std::string& name) const {
    for (const auto& place : plan_.v1)
      for (const auto& each : place.controllers)
        if (each == controller) return place.directory() + "/" + name;
    return plan_.unified->directory() + "/" + name;
  }
  [[nodiscard]] std::string content(const std::string& controller, const std::string& name) const {
    return std::string(text::trim(sys::read_file(sys::at_cwd, file(controller, name))));
  }

  Hierarchies host_;
  CgroupPlan plan_;
  std::vector<sys::Child> children_;
  std::unique_ptr<Cgroup> cgroup_;
};

}  // namespace agentsafe::cgroup
