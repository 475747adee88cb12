#include <gtest/gtest.h>

#include "tests/unit/oci/validate_harness.h"

namespace agentsafe::oci {
namespace {

TEST(ValidateDevicesTest, ChecksTypesPathsAndNumbers) {
  EXPECT_EQ(findings([](Spec& spec) {
              spec.linux->devices = {{.type = "x", .path = "/dev/x"},
                                     {.type = "c", .path = "dev/c", .major = 4096, .minor = -1},
                                     {.type = "b", .path = "/dev/b", .major = 4095, .minor = 1048576},
                                     {.type = "u", .path = "/dev/u", .major = 1, .minor = 3, .fileMode = 0100666},
                                     {.type = "p", .path = "/dev/p", .major = -1, .minor = -1}};
            }),
            "linux.devices[0].type: \"x\" is unknown; linux.devices[1].path: must be an absolute path; "
            "linux.devices[1].major: must be from 0 to 4095; linux.devices[1].minor: must be from 0 to 1048575; "
            "linux.devices[2].minor: must be from 0 to 1048575");
}

TEST(ValidateNetDevicesTest, ChecksNames) {
  EXPECT_EQ(findings([](Spec& spec) {
              spec.linux->netDevices = {{"a", {"same"}},
                                        {"b", {"same"}},
                                        {"c", {"v%d"}},
                                        {"d", {"v%d"}},
                                        {"e f", {"e"}},
                                        {"g", {"g/h"}},
                                        {"i", {"sixteen-bytes-xx"}},
                                        {"j", {".."}}};
            }),
            "linux.netDevices.b.name: is given to two devices; "
            "linux.netDevices.e f: is not the name of a network interface; "
            "linux.netDevices.g.name: is not the name of a network interface; "
            "linux.netDevices.i.name: is not the name of a network interface; "
            "linux.netDevices.j.name: is not the name of a network interface");
}

TEST(ValidatePathsTest, WantsAbsoluteMasksAndACgroupWithoutAWayUp) {
  EXPECT_EQ(findings([](Spec& spec) {
              spec.linux->maskedPaths = {"/proc/kcore", "/proc/kcore", "proc"};
              spec.linux->readonlyPaths = {""};
              spec.linux->cgroupsPath = "/a/../b";
            }),
            "linux.maskedPaths[2]: must be an absolute path; linux.readonlyPaths[0]: must be an absolute path; "
            "linux.cgroupsPath: must not have \"..\" components");
  for (const char* path : {"", "a..b/c", "relative/path", "system.slice:docker:abc"})
    EXPECT_EQ(findings([&](Spec& spec) { spec.linux->cgroupsPath = path; }), "") << path;
}

TEST(ValidateWordsTest, KnowsPropagationAndPersonality) {
  for (const char* word :
       {"", "shared", "rshared", "slave", "rslave", "private", "rprivate", "unbindable", "runbindable"})
    EXPECT_EQ(findings([&](Spec& spec) { spec.linux->rootfsPropagation = word; }), "") << word;
  EXPECT_EQ(findings([](Spec& spec) {
              spec.linux->rootfsPropagation = "open";
              spec.linux->personality->domain = "BSD";
            }),
            "linux.rootfsPropagation: \"open\" is unknown; linux.personality.domain: \"BSD\" is unknown");
}

TEST(ValidateMemoryPolicyTest, FollowsTheRulesOfTheKernel) {
  const auto with = [](const MemoryPolicy& policy) {
    return findings([&](Spec& spec) { spec.linux->memoryPolicy = policy; });
  };
  EXPECT_EQ(with({"MPOL_DEFAULT", "", {}}), "");
  EXPECT_EQ(with({"MPOL_PREFERRED", "", {}}), "");
  EXPECT_EQ(with({"MPOL_WEIGHTED_INTERLEAVE", "0", {"MPOL_F_RELATIVE_NODES"}}), "");
  EXPECT_EQ(with({"MPOL_LOCAL", "0", {}}), "linux.memoryPolicy.nodes: must be empty for this mode");
  EXPECT_EQ(with({"MPOL_INTERLEAVE", "", {}}), "linux.memoryPolicy.nodes: is missing for this mode");
  EXPECT_EQ(with({"MPOL_BIND", "a", {}}), "linux.memoryPolicy.nodes: must be a list of nodes such as 0-3,7");
  EXPECT_EQ(with({"MPOL_X", "0", {"MPOL_F_X"}}),
            "linux.memoryPolicy.mode: \"MPOL_X\" is unknown; linux.memoryPolicy.flags[0]: \"MPOL_F_X\" is unknown");
  EXPECT_EQ(with({"MPOL_BIND", "0", {"MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES"}}),
            "linux.memoryPolicy.flags: MPOL_F_RELATIVE_NODES and MPOL_F_STATIC_NODES exclude each other");
}

TEST(ValidateIntelRdtTest, WantsOneComponentAndWholeLines) {
  for (const char* id : {"", "/", "guaranteed"})
    EXPECT_EQ(findings([&](Spec& spec) { spec.linux->intelRdt->closID = id; }), "") << id;
  for (const char* id : {".", "..", "a/b", "/a"})
    EXPECT_EQ(findings([&](Spec& spec) { spec.linux->intelRdt->closID = id; }),
              "linux.intelRdt.closID: must be one path component, or \"/\"");
  EXPECT_EQ(findings([](Spec& spec) { spec.linux->intelRdt->schemata = {"L3:0=f\nMB:0=1"}; }),
            "linux.intelRdt.schemata[0]: must be one line");
}

template <class Change>
std::string seccomp_findings(Change change) {
  return findings([&](Spec& spec) { change(*spec.linux->seccomp); });
}

TEST(ValidateSeccompTest, KnowsItsWords) {
  EXPECT_EQ(seccomp_findings([](Seccomp& seccomp) {
              seccomp.defaultAction = "SCMP_ACT_X";
              seccomp.defaultErrnoRet.reset();
              seccomp.architectures = {"SCMP_ARCH_RISCV64", "SCMP_ARCH_X"};
              seccomp.flags = {"SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_X"};
              seccomp.syscalls = {{.names = {}, .action = "SCMP_ACT_Y"},
                                  {.names = {"a"}, .action = "SCMP_ACT_LOG", .args = {{6, 0, 0, "SCMP_CMP_X"}}}};
            }),
            "linux.seccomp.defaultAction: \"SCMP_ACT_X\" is unknown; linux.seccomp.architectures[1]: \"SCMP_ARCH_X\" "
            "is unknown; "
            "linux.seccomp.flags[1]: \"SECCOMP_FILTER_FLAG_X\" is unknown; "
            "linux.seccomp.syscalls[0].names: must have at least one entry; "
            "linux.seccomp.syscalls[0].action: \"SCMP_ACT_Y\" is unknown; "
            "linux.seccomp.syscalls[1].args[0].index: must be at most 5; "
            "linux.seccomp.syscalls[1].args[0].op: \"SCMP_CMP_X\" is unknown");
}

TEST(ValidateSeccompTest, TakesAnErrnoOnlyWithActionsThatHaveOne) {
  EXPECT_EQ(seccomp_findings([](Seccomp& seccomp) {
              seccomp.defaultErrnoRet = 4096;
              seccomp.syscalls[0].errnoRet = 1;
              seccomp.syscalls[2].errnoRet = 65536;
            }),
            "linux.seccomp.defaultErrnoRet: must be at most 4095; "
            "linux.seccomp.syscalls[0].errnoRet: goes only with SCMP_ACT_ERRNO and SCMP_ACT_TRACE; "
            "linux.seccomp.syscalls[2].errnoRet: must be at most 65535");
}

TEST(ValidateSeccompTest, ProtectsTheHandoverToTheAgent) {
  EXPECT_EQ(seccomp_findings([](Seccomp& seccomp) {
              seccomp.defaultAction = "SCMP_ACT_NOTIFY";
              seccomp.defaultErrnoRet.reset();
              seccomp.syscalls[1].names = {"read", "write"};
            }),
            "linux.seccomp.syscalls[1]: SCMP_ACT_NOTIFY cannot be used for the write syscall; "
            "linux.seccomp.defaultAction: must not be SCMP_ACT_NOTIFY: the runtime itself would wait for the agent");
  EXPECT_EQ(
      seccomp_findings([](Seccomp& seccomp) { seccomp.listenerPath.clear(); }),
      "linux.seccomp.listenerPath: is missing for SCMP_ACT_NOTIFY; linux.seccomp.listenerMetadata: needs listenerPath");
  EXPECT_EQ(seccomp_findings([](Seccomp& seccomp) { seccomp.listenerPath = "agent.sock"; }),
            "linux.seccomp.listenerPath: must be an absolute path");
}

template <class Change>
std::string resource_findings(Change change) {
  Resources resources;
  change(resources);
  return text_of(validate_resources(resources));
}

TEST(ValidateResourcesTest, ChecksDeviceRules) {
  EXPECT_EQ(resource_findings([](Resources& resources) {
              resources.devices = {{.allow = false, .type = "", .access = "rwm"},
                                   {.allow = true, .type = "p", .access = "rx"},
                                   {.allow = true, .type = "a", .major = -2, .minor = -2, .access = ""}};
            }),
            "linux.resources.devices[1].type: \"p\" is unknown; "
            "linux.resources.devices[1].access: must be of the letters r, w and m; "
            "linux.resources.devices[2].major: must be -1 (all) or more; "
            "linux.resources.devices[2].minor: must be -1 (all) or more");
}

TEST(ValidateResourcesTest, ChecksRanges) {
  EXPECT_EQ(resource_findings([](Resources& resources) {
              resources.blockIO.emplace();
              resources.blockIO->weight = 9;
              resources.blockIO->leafWeight = 1001;
              resources.blockIO->weightDevice = {{8, 0, 0, 5}};
              resources.cpu.emplace().idle = 2;
              resources.memory.emplace().swappiness = 101;
            }),
            "linux.resources.blockIO.weight: must be from 10 to 1000; linux.resources.blockIO.leafWeight: must be from "
            "10 to 1000; "
            "linux.resources.blockIO.weightDevice[0].leafWeight: must be from 10 to 1000; "
            "linux.resources.cpu.idle: must be 0 or 1; linux.resources.memory.swappiness: must be from 0 to 100");
}

TEST(ValidateResourcesTest, TakesWhatEnginesWriteForUnset) {
  EXPECT_EQ(resource_findings([](Resources& resources) {
              resources.blockIO.emplace().weight = 0;
              resources.cpu.emplace().shares = 0;
              resources.memory.emplace().swappiness = UINT64_MAX;
              resources.pids.emplace().limit = -1;
            }),
            "");
}

TEST(ValidateResourcesTest, ChecksNamesThatBecomeFiles) {
  for (const char* size : {"64KB", "2MB", "1GB", "16GB"})
    EXPECT_EQ(resource_findings([&](Resources& resources) { resources.hugepageLimits = {{size, 0}}; }), "") << size;
  for (const char* size : {"", "B", "MB", "2M", "2MiB", "2mb", "0MB", "-2MB", "../2MB", "2TB", "2.5MB"})
    EXPECT_EQ(resource_findings([&](Resources& resources) {
                resources.hugepageLimits = {{size, 0}};
              }),
              "linux.resources.hugepageLimits[0]: pageSize must be a size such as 64KB, 2MB or 1GB")
        << size;
  EXPECT_EQ(resource_findings([](Resources& resources) {
              resources.rdma = {{"mlx5_0", {}}, {"a b", {}}};
              resources.unified = {{"memory.high", "max"}, {"../cgroup.procs", "1"}, {"..", ""}, {"", ""}};
            }),
            "linux.resources.rdma.a b: is not the name of a device; linux.resources.unified.: is not the name of a "
            "cgroup file; "
            "linux.resources.unified...: is not the name of a cgroup file; "
            "linux.resources.unified.../cgroup.procs: is not the name of a cgroup file");
}

}  // namespace
}  // namespace agentsafe::oci
