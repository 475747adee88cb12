#include "runtime/mount/rootfs_plan.h"

#include <gtest/gtest.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "harness.h"
#include "runtime/base/error.h"

namespace agentsafe::mount::test {
namespace {

class PlanRootfsTest : public ::testing::Test {
 protected:
  RootfsPlan plan() {
    warnings.clear();
    return plan_rootfs(spec, facts, warnings);
  }
  MountStep planned(const oci::Mount& mount) {
    spec.mounts = {mount};
    return plan().mounts.front();
  }
  std::string refusal(const oci::Mount& mount) {
    try {
      planned(mount);
    } catch (const Error& error) {
      return error.message();
    }
    return "accepted";
  }
  oci::Spec spec = container_in("/rootfs");
  Facts facts;
  std::vector<std::string> warnings;
};

TEST_F(PlanRootfsTest, CrossesTheWireUnchanged) {
  spec.mounts.push_back(bind_mount("/src", "/dst", {"rbind", "rro", "idmap=uids=0-1-2;gids=0-1-2"}));
  spec.linux->maskedPaths = {"/a"};
  const auto bytes = wire::encode(plan());
  EXPECT_EQ(wire::encode(wire::decode<RootfsPlan>(bytes)), bytes);
}

TEST_F(PlanRootfsTest, KindsFollowOptionsAndTypes) {
  EXPECT_EQ(planned(tmpfs("/t")).kind, StepKind::filesystem);
  EXPECT_EQ(planned(bind_mount("/s", "/t")).kind, StepKind::bind);
  EXPECT_EQ(planned({"/t", "/s", "none", {"rbind"}, {}, {}}).kind, StepKind::bind);
  EXPECT_EQ(planned({"/t", "/s", "bind", {}, {}, {}}).kind, StepKind::bind);
  EXPECT_EQ(planned({"/t", "c", "cgroup", {}, {}, {}}).kind, StepKind::cgroup);
  EXPECT_EQ(planned({"/t", "", "", {"remount", "ro"}, {}, {}}).kind, StepKind::remount);
  EXPECT_EQ(planned({"/t", "", "", {"rslave"}, {}, {}}).kind, StepKind::propagation);
  EXPECT_NE(refusal({"/t", "", "", {"ro"}, {}, {}}), "accepted");
  EXPECT_NE(refusal({"/t", "", "bind", {"bind"}, {}, {}}), "accepted");
}

TEST_F(PlanRootfsTest, OfVersion1OnlySystemdsHierarchyIsShownWhereItIsForced) {
  facts.systemd_v1_path = "/sys/fs/cgroup";
  spec.linux->namespaces.push_back({"cgroup", ""});
  spec.mounts = {{"/sys/fs/cgroup", "cgroup", "cgroup", {"ro"}, {}, {}}, {"/other", "cgroup", "cgroup", {}, {}, {}}};
  const auto mounts = plan().mounts;
  ASSERT_EQ(mounts.size(), 3U);
  EXPECT_EQ(mounts[0].type, "tmpfs");
  EXPECT_TRUE(mounts[0].readonly_late);
  EXPECT_EQ(mounts[1].destination, "/sys/fs/cgroup/systemd");
  EXPECT_EQ(mounts[1].kind, StepKind::filesystem);
  EXPECT_EQ(mounts[1].options, (std::vector<Option>{{"none", ""}, {"name", "systemd"}, {"xattr", ""}}));
  EXPECT_NE(mounts[1].attributes.set & MOUNT_ATTR_RDONLY, 0U);
  EXPECT_EQ(mounts[2].kind, StepKind::cgroup);
  EXPECT_TRUE(warnings.empty());
  facts.systemd_v1_path = "/elsewhere";
  EXPECT_EQ(plan().mounts.size(), 2U);
  EXPECT_EQ(warnings.size(), 1U);
}

TEST_F(PlanRootfsTest, OnlyListedFilesOfProcMayBeCovered) {
  for (const char* path : {"/proc/self/attr/exec", "/proc/sys/kernel/core_pattern", "/proc/1",
                           "/proc/../proc/sysrq-trigger", "proc/acpi", "/proc/./tty", "//proc//bus"}) {
    EXPECT_NE(refusal(bind_mount("/s", path)), "accepted") << path;
    EXPECT_NE(refusal(tmpfs(path)), "accepted") << path;
  }
  EXPECT_NE(refusal(tmpfs("/proc")), "accepted");
  EXPECT_NE(refusal({"/proc", "c", "cgroup", {}, {}, {}}), "accepted");
  for (const char* path : {"/proc/cpuinfo", "/proc/meminfo", "/proc/sys/kernel/ns_last_pid", "/proc/uptime"}) {
    EXPECT_TRUE(planned(bind_mount("/s", path)).covers_proc_file) << path;
    EXPECT_NE(refusal(tmpfs(path)), "accepted") << path;
  }
  EXPECT_EQ(refusal({"/proc", "proc", "proc", {}, {}, {}}), "accepted");
  EXPECT_EQ(refusal({"/proc", "", "", {"remount", "ro"}, {}, {}}), "accepted");
  EXPECT_EQ(refusal(tmpfs("/procfs")), "accepted");
}

TEST_F(PlanRootfsTest, TheRootItselfIsNotMountedOver) {
  for (const char* path : {"/", "", ".", "/a/..", "/../.."}) EXPECT_NE(refusal(tmpfs(path)), "accepted") << path;
}

TEST_F(PlanRootfsTest, OptionsInOneWordAreSplitAtCommasButNotInsideQuotes) {
  const auto step = planned(tmpfs("/t", {"size=1k,mode=700", "context=\"system_u:object_r:x:s0:c1,c2\"", "flag"}));
  EXPECT_EQ(step.options,
            (std::vector<Option>{
                {"size", "1k"}, {"mode", "700"}, {"context", "system_u:object_r:x:s0:c1,c2"}, {"flag", ""}}));
}

TEST_F(PlanRootfsTest, OnlyWhatFsconfigCannotSayUsesTheOldCall) {
  EXPECT_FALSE(planned(tmpfs("/t", {"size=1k"})).old_api);
  EXPECT_TRUE(planned(tmpfs("/t", {"iversion"})).old_api);
  EXPECT_FALSE(planned(tmpfs("/t", {"noiversion"})).old_api);
  EXPECT_FALSE(planned(tmpfs("/t", {"lowerdir=" + std::string(255, 'x')})).old_api);
  EXPECT_TRUE(planned(tmpfs("/t", {"lowerdir=" + std::string(256, 'x')})).old_api);
}

TEST_F(PlanRootfsTest, ATmpfsAndDevBecomeReadOnlyLate) {
  EXPECT_TRUE(planned(tmpfs("/t", {"ro"})).readonly_late);
  EXPECT_EQ(planned(tmpfs("/t", {"ro"})).attributes.set & MOUNT_ATTR_RDONLY, 0U);
  EXPECT_TRUE(planned({"/dev", "devtmpfs", "devtmpfs", {"ro"}, {}, {}}).readonly_late);
  EXPECT_FALSE(planned({"/sys", "sysfs", "sysfs", {"ro"}, {}, {}}).readonly_late);
  EXPECT_FALSE(planned(bind_mount("/s", "/t", {"bind", "ro"})).readonly_late);
}

TEST_F(PlanRootfsTest, AReadOnlyDiskIsReadOnlyAsAWhole) {
  EXPECT_EQ(planned({"/t", "/dev/sda", "ext4", {"ro"}, {}, {}}).superblock_flags, std::vector<std::string>{"ro"});
  EXPECT_TRUE(planned({"/t", "proc", "sysfs", {"ro"}, {}, {}}).superblock_flags.empty());
}

TEST_F(PlanRootfsTest, BindsArePrivateUnlessTheySayMore) {
  EXPECT_EQ(planned(bind_mount("/s", "/t")).propagation, (std::vector<std::uint64_t>{MS_PRIVATE | MS_REC}));
  EXPECT_EQ(planned(bind_mount("/s", "/t", {"bind", "rslave"})).propagation,
            (std::vector<std::uint64_t>{MS_SLAVE | MS_REC}));
  EXPECT_EQ(planned(bind_mount("/s", "/t", {"bind", "rshared"})).propagation,
            (std::vector<std::uint64_t>{MS_SHARED | MS_REC}));
}

TEST_F(PlanRootfsTest, NothingOfAUserNamespaceFlowsBackToTheHost) {
  spec.linux->namespaces.push_back({"user", ""});
  EXPECT_EQ(planned(bind_mount("/s", "/t", {"bind", "rshared"})).propagation,
            (std::vector<std::uint64_t>{MS_SLAVE | MS_REC, MS_SHARED | MS_REC}));
}

TEST_F(PlanRootfsTest, RwDoesNotClearWhatTheHostHasMountedReadOnly) {
  EXPECT_EQ(planned(bind_mount("/s", "/t", {"bind", "rw"})).attributes.clear & MOUNT_ATTR_RDONLY, 0U);
  EXPECT_NE(planned(bind_mount("/s", "/t", {"bind", "exec"})).attributes.clear & MOUNT_ATTR_NOEXEC, 0U);
}

TEST_F(PlanRootfsTest, PropagationOfTheRoot) {
  for (const auto& [word, first, last] : {std::tuple{"", MS_SLAVE, 0},
                                          {"slave", MS_SLAVE, 0},
                                          {"rprivate", MS_PRIVATE, 0},
                                          {"shared", MS_SHARED, MS_SHARED},
                                          {"unbindable", MS_PRIVATE, MS_UNBINDABLE}}) {
    spec.linux->rootfsPropagation = word;
    EXPECT_EQ(plan().propagation, static_cast<std::uint64_t>(first)) << word;
    EXPECT_EQ(plan().final_propagation, static_cast<std::uint64_t>(last)) << word;
  }
}

TEST_F(PlanRootfsTest, DevicesOfTheSpecReplaceDefaultOnes) {
  spec.linux->devices = {
      {"c", "/dev/null", 1, 3, 0600, {}, {}}, {"u", "/dev/mine", 10, 229, {}, 5, 6}, {"p", "/dev/p", 9, 9, {}, {}, {}}};
  const auto devices = plan().devices;
  ASSERT_EQ(devices.size(), 8U);
  EXPECT_EQ(devices[0].path, "/dev/null");
  EXPECT_EQ(devices[0].mode, 0600U);
  EXPECT_EQ(devices[6].type, static_cast<std::uint32_t>(S_IFCHR));
  EXPECT_EQ(devices[6].device, makedev(10, 229));
  EXPECT_EQ(devices[6].uid, 5U);
  EXPECT_EQ(devices[7].device, 0U);
}

TEST_F(PlanRootfsTest, ABoundDevIsLeftAlone) {
  spec.mounts = {bind_mount("/s", "/dev/")};
  EXPECT_FALSE(plan().sets_up_dev);
  EXPECT_TRUE(plan().devices.empty());
}

TEST_F(PlanRootfsTest, DevicesAndSourcesInAUserNamespaceComeFromTheHost) {
  EXPECT_FALSE(plan().binds_devices || plan().binds_on_host);
  spec.linux->namespaces.push_back({"user", "/proc/1/ns/user"});
  EXPECT_TRUE(plan().binds_devices && plan().binds_on_host);
  facts.privileged = false;
  EXPECT_TRUE(plan().binds_devices);
  EXPECT_FALSE(plan().binds_on_host) << "a rootless runtime reaches no more than the init";
}

TEST_F(PlanRootfsTest, FallbacksAreOnlyForNamespacesThatAreNotTheContainersOwn) {
  spec = user_container_in("/rootfs");
  EXPECT_EQ(planned({"/sys", "sysfs", "sysfs", {}, {}, {}}).fallback_source, "");
  EXPECT_EQ(planned({"/proc", "proc", "proc", {}, {}, {}}).fallback_source, "");
  std::erase_if(spec.linux->namespaces,
                [](const auto& ns) { return ns.type == "network" || ns.type == "pid" || ns.type == "ipc"; });
  EXPECT_EQ(planned({"/sys", "sysfs", "sysfs", {}, {}, {}}).fallback_source, "/sys");
  EXPECT_EQ(planned({"/proc", "proc", "proc", {}, {}, {}}).fallback_source, "/proc");
  EXPECT_EQ(planned({"/q", "mqueue", "mqueue", {}, {}, {}}).fallback_source, "/dev/mqueue");
}

TEST_F(PlanRootfsTest, AGidOfDevptsThatIsNotMappedIsLeftOutWithAWarning) {
  const oci::Mount devpts{"/dev/pts", "devpts", "devpts", {"newinstance", "gid=5"}, {}, {}};
  EXPECT_EQ(planned(devpts).options.size(), 2U);
  spec.linux->namespaces.push_back({"user", ""});
  spec.linux->gidMappings = {{0, 1000, 1}};
  EXPECT_EQ(planned(devpts).options.size(), 1U);
  EXPECT_EQ(warnings.size(), 1U);
}

TEST_F(PlanRootfsTest, IdmapsAreForBindsWithPrivileges) {
  spec.linux->uidMappings = spec.linux->gidMappings = {{0, 1000, 5}};
  EXPECT_EQ(planned(bind_mount("/s", "/t", {"bind", "idmap"})).uid_map[0].hostID, 1000U) << "implied by the container";
  auto mount = tmpfs("/t");
  mount.uidMappings = mount.gidMappings = {{0, 1, 1}};
  EXPECT_NE(refusal(mount).find("only bind mounts can be idmapped"), std::string::npos);
  facts.privileged = false;
  EXPECT_NE(refusal(bind_mount("/s", "/t", {"bind", "idmap"})).find("needs the privileges"), std::string::npos);
}

TEST_F(PlanRootfsTest, MountLabelsGoWhereTheKernelTakesThem) {
  spec.linux->mountLabel = "label";
  EXPECT_EQ(planned(tmpfs("/t")).options.back(), (Option{"context", "label"}));
  EXPECT_TRUE(planned({"/sys", "sysfs", "sysfs", {}, {}, {}}).options.empty());
  EXPECT_TRUE(planned({"/q", "mqueue", "mqueue", {}, {}, {}}).options.empty());
}

TEST_F(PlanRootfsTest, MaskedAndReadonlyPathsAreCleanAndUnique) {
  spec.linux->maskedPaths = {"/a", "/a/", "/b/../a", "/c"};
  EXPECT_EQ(plan().masked_paths, (std::vector<std::string>{"/a", "/c"}));
}

TEST_F(PlanRootfsTest, WithoutAMountNamespaceNothingIsMountedUnlessTheHostsIsMeant) {
  std::erase_if(spec.linux->namespaces, [](const auto& ns) { return ns.type == "mount"; });
  EXPECT_THROW(plan(), Error);
  facts.hosts_mounts = true;
  EXPECT_TRUE(plan().hosts_mounts);
}

TEST_F(PlanRootfsTest, ARelativeDestinationIsTakenFromTheRootWithAWarning) {
  EXPECT_EQ(planned(tmpfs("a/./b/../c")).destination, "/a/c");
  EXPECT_EQ(warnings.size(), 1U);
}

TEST_F(PlanRootfsTest, CgroupViews) {
  std::erase_if(spec.linux->namespaces, [](const auto& ns) { return ns.type == "cgroup"; });
  EXPECT_EQ(plan().cgroup_view, CgroupView::host);
  facts.cgroups.unified = cgroup::Place{{}, "/sys/fs/cgroup", "/", "/c1"};
  EXPECT_EQ(plan().cgroup_view, CgroupView::bound);
  EXPECT_EQ(plan().cgroups.front().directory, "/sys/fs/cgroup/c1");
  spec.linux->namespaces.push_back({"cgroup", ""});
  EXPECT_EQ(plan().cgroup_view, CgroupView::fresh);
  facts.cgroups.v1 = {{{"cpu", "cpuacct"}, "/sys/fs/cgroup/cpu,cpuacct", "/", "/c1"},
                      {{"name=systemd"}, "/sys/fs/cgroup/systemd", "/", "/c1"}};
  const auto split = plan();
  EXPECT_EQ(split.cgroup_view, CgroupView::split);
  ASSERT_EQ(split.cgroups.size(), 3U);
  EXPECT_EQ(split.cgroups[0].links, (std::vector<std::string>{"cpu", "cpuacct"}));
  EXPECT_TRUE(split.cgroups[1].links.empty());
  EXPECT_EQ(split.cgroups[2].name, "unified");
}

}  // namespace
}  // namespace agentsafe::mount::test
