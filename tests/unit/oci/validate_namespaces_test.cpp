#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/unit/oci/validate_harness.h"

namespace agentsafe::oci {
namespace {

TEST(ValidateNamespacesTest, KnowsTheTypesAndWantsEachOnce) {
  EXPECT_EQ(findings([](Spec& spec) {
              spec.linux->namespaces.push_back({"pid", ""});
              spec.linux->namespaces.push_back({"mnt", ""});
              spec.linux->namespaces[1].path = "proc/1/ns/net";
            }),
            "linux.namespaces[1].path: must be an absolute path; linux.namespaces[8].type: is listed twice; "
            "linux.namespaces[9].type: \"mnt\" is unknown");
}

TEST(ValidateNamespacesTest, WantsAMountNamespaceBesideAUserNamespace) {
  EXPECT_EQ(findings([](Spec& spec) { drop_namespace(spec, "mount"); }),
            "linux.namespaces: a user namespace needs a mount namespace apart from the host's, in which its root may mount");
  EXPECT_EQ(findings([](Spec& spec) {
              drop_namespace(spec, "mount");
              drop_namespace(spec, "user");
              spec.linux->uidMappings.clear();
              spec.linux->gidMappings.clear();
              spec.linux->sysctl.clear();
            }),
            "");
}

TEST(ValidateNamespacesTest, SetsNamesOnlyInAUtsNamespace) {
  EXPECT_EQ(
      findings([](Spec& spec) { drop_namespace(spec, "uts"); }),
      "hostname: needs a uts namespace apart from the host's; domainname: needs a uts namespace apart from the host's");
  EXPECT_EQ(findings([](Spec& spec) { spec.hostname = std::string(65, 'h'); }), "hostname: must have at most 64 bytes");
}

TEST(ValidateNamespacesTest, JoinsUserNamespacesAndMapsNewOnes) {
  EXPECT_EQ(findings([](Spec& spec) { spec.linux->gidMappings.clear(); }),
            "linux.gidMappings: is missing for the new user namespace");
  EXPECT_EQ(findings([](Spec& spec) {
              spec.linux->sysctl.clear();
              drop_namespace(spec, "user");
            }),
            "linux.uidMappings: needs a user namespace; linux.gidMappings: needs a user namespace");
  EXPECT_EQ(findings([](Spec& spec) {
              spec.linux->namespaces[5].path = "/proc/7/ns/user";
              spec.linux->uidMappings.clear();
              spec.linux->gidMappings.clear();
            }),
            "");
}

TEST(ValidateNamespacesTest, RefusesMappingsThatTheKernelWouldRefuse) {
  const auto with = [](std::vector<IdMapping> map) {
    return findings([&](Spec& spec) { spec.linux->uidMappings = std::move(map); });
  };
  EXPECT_EQ(with({{0, 0, UINT32_MAX}}), "");
  EXPECT_EQ(with({{0, 1, UINT32_MAX}}), "linux.uidMappings[0]: hostID + size is beyond the last id");
  EXPECT_EQ(with({{UINT32_MAX, 0, 1}}), "linux.uidMappings[0]: containerID + size is beyond the last id");
  EXPECT_EQ(with({{0, 0, 0}}), "linux.uidMappings[0].size: must not be 0");
  EXPECT_EQ(with({{0, 1000, 10}, {9, 2000, 10}}), "linux.uidMappings[1]: overlaps row 0");
  EXPECT_EQ(with({{0, 1000, 10}, {10, 1009, 1}}), "linux.uidMappings[1]: overlaps row 0");
  EXPECT_EQ(with({{0, 1000, 10}, {10, 1010, 10}}), "");
  std::vector<IdMapping> many;
  for (std::uint32_t i = 0; i <= 340; ++i) many.push_back({i, i, 1});
  EXPECT_EQ(with(many), "linux.uidMappings: has more than 340 rows");
  many.pop_back();
  EXPECT_EQ(with(many), "");
}

TEST(ValidateNamespacesTest, OffsetsClocksOfNewTimeNamespacesOnly) {
  const std::string needs = "linux.timeOffsets: needs a new time namespace";
  EXPECT_EQ(findings([](Spec& spec) { drop_namespace(spec, "time"); }), needs);
  EXPECT_EQ(findings([](Spec& spec) { spec.linux->namespaces[7].path = "/proc/7/ns/time"; }), needs);
  EXPECT_EQ(findings([](Spec& spec) {
              spec.linux->timeOffsets = {{"monotonic", {0, 1000000000}}, {"realtime", {}}};
            }),
            "linux.timeOffsets.monotonic.nanosecs: must be below 1000000000; "
            "linux.timeOffsets.realtime: is neither monotonic nor boottime");
}

TEST(ValidateNamespacesTest, TreatsAPathToTheHostAsTheHost) {
  const auto joined = [](Spec& spec) {
    for (auto& ns : spec.linux->namespaces)
      if (ns.type == "network" || ns.type == "uts" || ns.type == "ipc") ns.path = "/run/netns/x";
  };
  EXPECT_EQ(findings(joined), "");
  EXPECT_EQ(
      findings(joined, {"network", "uts", "ipc"}),
      "hostname: needs a uts namespace apart from the host's; domainname: needs a uts namespace apart from the host's; "
      "linux.netDevices: needs a network namespace apart from the host's; "
      "linux.sysctl.kernel.shmmax: needs an ipc namespace apart from the host's; "
      "linux.sysctl.net/ipv4/ip_forward: needs a network namespace apart from the host's");
}

TEST(HostNamespacesTest, AreThoseOfTheRuntimeItself) {
  Spec spec;
  EXPECT_TRUE(host_namespaces(spec).empty());
  spec.linux.emplace().namespaces = {{"network", "/proc/" + std::to_string(::getpid()) + "/ns/net"},
                                     {"uts", "/proc/self/ns/uts"},
                                     {"ipc", "/proc/self/ns/uts"},
                                     {"pid", ""},
                                     {"user", "/does/not/exist"}};
  EXPECT_EQ(host_namespaces(spec), (HostNamespaces{"network", "uts"}));
}

TEST(ValidateSysctlTest, AllowsWhatBelongsToTheNamespacesOfTheContainer) {
  for (const char* key :
       {"kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall", "kernel.shmmax",
        "kernel.shmmni", "kernel.shm_rmid_forced", "fs.mqueue.msg_max", "net.ipv4.ip_forward",
        "net/ipv4/conf/eth0.1/forwarding", "kernel/sem", "user.max_net_namespaces"})
    EXPECT_EQ(findings([&](Spec& spec) { spec.linux->sysctl = {{key, "1"}}; }), "") << key;
}

TEST(ValidateSysctlTest, RefusesWhatBelongsToTheHost) {
  for (const char* key :
       {"kernel.core_pattern", "vm.swappiness", "fs.file-max", "kernel.pid_max", "kernel", "kernel.sem2", "fs.mqueue",
        "netx.a", "kernel/core_pattern", "fs/mqueue.x/y", "k", "dev.cdrom.debug"})
    EXPECT_EQ(findings([&](Spec& spec) {
                spec.linux->sysctl = {{key, "1"}};
              }),
              "linux.sysctl." + std::string(key) + ": does not belong to a namespace: it would be set on the host");
}

TEST(ValidateSysctlTest, RefusesWaysOutOfTheDirectory) {
  for (const char* key : {"", "net/../kernel/core_pattern", "net.ipv4...x", "net//ipv4", "/net/ipv4/x", ".net.x",
                          "net.", "net/", "net/./x", "net./x", "net/.x", "net.a b", "net.a\n", "net.\xc3\xa9", "net.*"})
    EXPECT_TRUE(findings([&](Spec& spec) {
                  spec.linux->sysctl = {{key, "1"}};
                }).ends_with("is not the name of a sysctl"))
        << key;
}

TEST(ValidateSysctlTest, NeedsTheNamespaceOfEachKey) {
  const auto without = [](const char* type, const char* key) {
    return findings([&](Spec& spec) {
      spec.hostname.clear();
      spec.domainname.clear();
      spec.linux->netDevices.clear();
      spec.linux->uidMappings.clear();
      spec.linux->gidMappings.clear();
      spec.linux->namespaces[5].path = "/proc/7/ns/user";
      drop_namespace(spec, type);
      spec.linux->sysctl = {{key, "1"}};
    });
  };
  EXPECT_EQ(without("ipc", "fs.mqueue.msg_max"),
            "linux.sysctl.fs.mqueue.msg_max: needs an ipc namespace apart from the host's");
  EXPECT_EQ(without("network", "net.core.somaxconn"),
            "linux.sysctl.net.core.somaxconn: needs a network namespace apart from the host's");
  EXPECT_EQ(without("user", "user.max_ipc_namespaces"), "linux.sysctl.user.max_ipc_namespaces: needs a user namespace");
  EXPECT_EQ(without("uts", "kernel.domainname"),
            "linux.sysctl.kernel.domainname: needs a uts namespace apart from the host's");
  EXPECT_EQ(without("none", "kernel.hostname"), "");
}

TEST(ValidateSysctlTest, RefusesASecondDifferentName) {
  const std::string conflict = "conflicts with the property of that name";
  EXPECT_EQ(findings([](Spec& spec) {
              spec.linux->sysctl = {{"kernel.hostname", "other"}};
            }),
            "linux.sysctl.kernel.hostname: " + conflict);
  EXPECT_EQ(findings([](Spec& spec) {
              spec.linux->sysctl = {{"kernel/domainname", "other"}};
            }),
            "linux.sysctl.kernel/domainname: " + conflict);
  EXPECT_EQ(findings([](Spec& spec) { spec.linux->sysctl = {{"kernel.hostname", "h"}}; }), "");
}

TEST(ValidateSysctlTest, RefusesValuesThatCouldBeTwo) {
  for (const std::string& value : {std::string("1\n"), std::string("1+kernel.core_pattern=x"), std::string("1\0x", 3)})
    EXPECT_EQ(findings([&](Spec& spec) {
                spec.linux->sysctl = {{"kernel.sem", value}};
              }),
              "linux.sysctl.kernel.sem: the value must not hold a newline, a NUL character or \"+\"");
}

}  // namespace
}  // namespace agentsafe::oci
