#include "runtime/namespaces/namespaces.h"

#include <gtest/gtest.h>
#include <sched.h>

#include "runtime/base/error.h"
#include "runtime/namespaces/id_map.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"

namespace agentsafe::namespaces {
namespace {

oci::Linux with(std::vector<oci::Namespace> list) {
  oci::Linux linux;
  linux.namespaces = std::move(list);
  return linux;
}

TEST(NamespacesTest, KnowTheWordsOfTheSpecification) {
  for (const char* type : {"pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"})
    EXPECT_STREQ(type_of(flag_of(type)), type);
  EXPECT_EQ(flag_of("net"), 0U);
}

TEST(NamespacesTest, ThatAreAllNewNeedNoStage) {
  const auto plan = plan_namespaces(with({{"pid", ""}, {"mount", ""}, {"cgroup", ""}, {"network", ""}}), "h", "", false);
  EXPECT_FALSE(plan.staged());
  EXPECT_EQ(clone_flags(plan), std::uint64_t{CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET});
  EXPECT_TRUE(plan.loopback_up);
}

TEST(NamespacesTest, ANetworkIsMadeAtOnceWhereNothingComesBeforeIt) {
  EXPECT_TRUE(makes_network_at_once(with({{"pid", ""}, {"network", ""}})));
  EXPECT_FALSE(makes_network_at_once(with({{"pid", ""}})));
  EXPECT_FALSE(makes_network_at_once(with({{"network", "/proc/self/ns/net"}})));
  EXPECT_FALSE(makes_network_at_once(with({{"network", ""}, {"pid", "/proc/self/ns/pid"}})));
  EXPECT_FALSE(makes_network_at_once(with({{"network", ""}, {"user", ""}}))) << "it belongs to the user namespace";
  auto shifted = with({{"network", ""}, {"time", ""}});
  shifted.timeOffsets["boottime"] = {10, 5};
  EXPECT_FALSE(makes_network_at_once(shifted));
}

TEST(NamespacesTest, OfUsersNeedAStage) {
  const auto plan = plan_namespaces(with({{"user", ""}, {"mount", ""}}), "", "", false);
  EXPECT_TRUE(plan.staged());
  EXPECT_EQ(clone_flags(plan), std::uint64_t{CLONE_NEWNS});
}

TEST(NamespacesTest, WithTimeOffsetsNeedAStage) {
  auto linux = with({{"time", ""}});
  linux.timeOffsets["boottime"] = {10, 5};
  const auto plan = plan_namespaces(linux, "", "", false);
  EXPECT_TRUE(plan.staged());
  EXPECT_EQ(plan.time_offsets, "boottime 10 5\n");
  EXPECT_EQ(clone_flags(plan), 0U);
}

TEST(NamespacesTest, OfAnotherTypeAreRefused) {
  const auto linux = with({{"network", "/proc/self/ns/uts"}});
  auto plan = plan_namespaces(linux, "", "", false);
  try {
    (void)open_joined(plan, linux);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "join the network namespace /proc/self/ns/uts: it is a namespace of type uts");
  }
}

TEST(NamespacesTest, ThatAreMissingOrNoneAreRefused) {
  for (const char* path : {"/nonexistent/ns", "/dev/null"}) {
    const auto linux = with({{"network", path}});
    auto plan = plan_namespaces(linux, "", "", false);
    EXPECT_THROW((void)open_joined(plan, linux), Error) << path;
  }
}

TEST(IdMapTest, FindsTheHostId) {
  const std::vector<oci::IdMapping> map{{0, 100000, 10}, {10, 5, 1}};
  EXPECT_EQ(host_id(map, 3, "uid"), 100003U);
  EXPECT_EQ(host_id(map, 10, "uid"), 5U);
  EXPECT_THROW((void)host_id(map, 11, "uid"), Error);
  EXPECT_EQ(host_id({}, 7, "uid"), 7U);
}

TEST(IdMapTest, WritesAndReadsBackTheMapsOfAProcess) {
  const auto pipe = sys::pipe();
  const sys::Child child = sys::clone3({.flags = CLONE_NEWUSER}, [&] {
    char byte = 0;
    return ::read(pipe.read_end.get(), &byte, 1) == 1 ? 0 : 1;
  });
  write_id_maps(child.pid, {{{0, 100000, 65536}}, {{0, 100000, 65536}}}, true);
  const auto map = sys::read_file(sys::at_cwd, "/proc/" + std::to_string(child.pid) + "/uid_map");
  sys::write_all(pipe.write_end, "x");
  sys::wait(child.pidfd);
  EXPECT_NE(map.find("100000"), std::string::npos);
}

}  // namespace
}  // namespace agentsafe::namespaces
