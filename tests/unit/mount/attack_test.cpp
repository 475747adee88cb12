// Images that try to send what we make or mount somewhere else. The proof is what lies on the host afterwards.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <csignal>

#include "harness.h"
#include "runtime/base/error.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"

namespace agentsafe::mount::test {
namespace {

class AttackTest : public ::testing::Test {
 protected:
  void SetUp() override {
    SKIP_UNLESS_ROOT();
    make_folder(folder / "rootfs");
    make_folder(folder / "host");
    write_text(folder / "host/ptmx", "the host's");
  }
  void link(const std::string& target, const std::string& name) {
    ASSERT_EQ(::symlink(target.c_str(), (folder / ("rootfs/" + name)).c_str()), 0);
  }
  std::string built(const oci::Spec& config) {
    return run(config, [] { return std::string("built"); }).error;
  }
  oci::Spec spec() const { return container_in(folder / "rootfs"); }
  void expect_host_untouched() {
    EXPECT_EQ(listing(folder / "host"), "ptmx");
    EXPECT_EQ(text_of(folder / "host/ptmx"), "the host's");
    EXPECT_EQ(text_of("/proc/self/mountinfo").find(folder.path), std::string::npos) << "a mount was left on the host";
  }
  Folder folder;
};

// CVE-2026-41579
TEST_F(AttackTest, DevIsALinkToTheHost) {
  for (const std::string& target : {folder / "host", "../../../../../../.." + folder.path + "/host"}) {
    link(target, "dev");
    auto config = spec();
    std::erase_if(config.mounts, [](const auto& m) { return m.destination.starts_with("/dev"); });
    EXPECT_EQ(built(config), "") << "it is resolved inside the root";
    expect_host_untouched();
    EXPECT_NE(listing(folder.path + "/rootfs" + folder.path + "/host").find("null"), std::string::npos);
    ::unlink((folder / "rootfs/dev").c_str());
  }
}

// CVE-2019-19921, CVE-2023-27561
TEST_F(AttackTest, ProcOrSysIsALink) {
  make_folder(folder / "rootfs/evil");
  for (const char* name : {"proc", "sys"}) {
    link("evil", name);
    EXPECT_NE(built(spec()).find("must be mounted on ordinary directory"), std::string::npos) << name;
    ::unlink((folder / ("rootfs/" + std::string(name))).c_str());
    write_text(folder / ("rootfs/" + std::string(name)), "");
    EXPECT_NE(built(spec()).find("must be mounted on ordinary directory"), std::string::npos) << name;
    ::unlink((folder / ("rootfs/" + std::string(name))).c_str());
  }
  expect_host_untouched();
}

// CVE-2019-16884: through a link that the destination's words do not show
TEST_F(AttackTest, ALinkLeadsIntoProc) {
  for (const char* target : {"/proc/self/attr", "/proc/sys", "../../proc/bus"}) {
    link(target, "volume");
    auto config = spec();
    config.mounts.push_back(bind_mount(folder / "host", "/volume"));
    EXPECT_NE(built(config).find("inside /proc"), std::string::npos) << target;
    ::unlink((folder / "rootfs/volume").c_str());
  }
  expect_host_untouched();
}

TEST_F(AttackTest, AFolderBoundOnProcIsRefusedARealProcIsNot) {
  auto config = spec();
  config.mounts[0] = bind_mount(folder / "host", "/proc");
  EXPECT_NE(built(config).find("inside /proc"), std::string::npos);
  config.mounts[0] = bind_mount("/proc/sys", "/proc");
  EXPECT_NE(built(config).find("inside /proc"), std::string::npos) << "only the top of a procfs";
  config.mounts[0] = bind_mount("/proc", "/proc", {"rbind"});
  EXPECT_EQ(built(config), "");
}

TEST_F(AttackTest, ALinkLeadsToTheRoot) {
  link("/", "volume");
  link("../../..", "up");
  auto config = spec();
  config.mounts.push_back(bind_mount(folder / "host", "/volume"));
  EXPECT_NE(built(config).find("leads to the container's root"), std::string::npos);
  config.mounts.back() = tmpfs("/up");
  EXPECT_NE(built(config).find("leads to the container's root"), std::string::npos);
}

// CVE-2024-45310
TEST_F(AttackTest, TargetsBelowLinksAreMadeInside) {
  link(folder / "host", "vol");
  link("../../../../../../../../.." + folder.path + "/host", "deep");
  write_text(folder / "file", "bound");
  auto config = spec();
  config.mounts.push_back(bind_mount(folder / "file", "/vol/a/file"));
  config.mounts.push_back(tmpfs("/deep/b/c"));
  config.linux->devices = {{"c", "/vol/node", 1, 3, {}, {}, {}}};
  const auto outcome = run(config, [] { return text_of("/vol/a/file"); });
  EXPECT_EQ(outcome.error + outcome.said, "bound");
  expect_host_untouched();
}

// CVE-2025-31133
TEST_F(AttackTest, TheImagesNullDeviceIsNotUsedForMasks) {
  write_text(folder / "rootfs/secret", "secret");
  write_text(folder / "rootfs/decoy", "DECOY");
  make_folder(folder / "rootfs/dev");
  link("/decoy", "dev/null");
  auto config = spec();
  std::erase_if(config.mounts, [](const auto& m) { return m.destination.starts_with("/dev"); });
  config.linux->maskedPaths = {"/secret"};
  EXPECT_NE(built(config), "") << "a link in place of a device";
  config.mounts.push_back(bind_mount(folder / "rootfs/dev", "/dev"));  // then /dev is not ours to set up
  const auto outcome = run(config, [] { return text_of("/secret") + "|" + text_of("/decoy"); });
  EXPECT_EQ(outcome.error + outcome.said, "|DECOY");
}

TEST_F(AttackTest, AMaskedLinkHidesItsTarget) {
  write_text(folder / "rootfs/real", "secret");
  write_text(folder / "host/secret", "host");
  link("/real", "one");
  link("../../../../../../../.." + folder.path + "/host/secret", "two");
  auto config = spec();
  config.linux->maskedPaths = {"/one", "/two"};
  const auto outcome = run(config, [] { return text_of("/real") + text_of("/one"); });
  EXPECT_EQ(outcome.error + outcome.said, "");
  EXPECT_EQ(text_of(folder / "host/secret"), "host");
}

TEST_F(AttackTest, AMagicLinkIsNotFollowed) {
  link("/proc/self/fd/0", "magic");
  auto config = spec();
  config.linux->maskedPaths = {"/magic"};
  EXPECT_NE(built(config).find("mask /magic"), std::string::npos);
  config.linux->maskedPaths = {};
  config.mounts.push_back(tmpfs("/magic"));
  EXPECT_NE(built(config).find("/magic"), std::string::npos);
}

TEST_F(AttackTest, TheRootItselfIsALink) {
  ASSERT_EQ(::symlink("rootfs", (folder / "linked").c_str()), 0);
  auto config = spec();
  config.root->path = folder / "linked";
  EXPECT_NE(built(config).find("bind the root file system"), std::string::npos);
}

TEST_F(AttackTest, CopySymlinkPutsTheLinkInsideTheRoot) {
  link(folder / "host", "vol");
  ASSERT_EQ(::symlink("/target", (folder / "source").c_str()), 0);
  auto config = spec();
  config.mounts.push_back(bind_mount(folder / "source", "/vol/copied", {"bind", "copy-symlink"}));
  EXPECT_EQ(built(config), "");
  expect_host_untouched();
}

// CVE-2021-30465: a folder of the image is exchanged with a link to the host while mounts are made.
TEST_F(AttackTest, ExchangingATargetWithALinkNeverReachesTheHost) {
  make_folder(folder / "rootfs/target");
  link(folder / "host", "trap");
  const sys::Child racer = sys::clone3({}, [this] {
    const UniqueFd root = sys::openat(sys::at_cwd, folder / "rootfs", O_PATH | O_DIRECTORY);
    for (;;) ::renameat2(root.get(), "target", root.get(), "trap", RENAME_EXCHANGE);
    return 0;
  });
  auto config = spec();
  config.mounts.push_back(tmpfs("/target/sub"));
  write_text(folder / "file", "");
  config.mounts.push_back(bind_mount(folder / "file", "/target/file"));
  int built_rounds = 0;
  for (int round = 0; round < 30; ++round) built_rounds += built(config).empty() ? 1 : 0;
  sys::pidfd_send_signal(racer.pidfd, SIGKILL);
  sys::wait(racer.pidfd);
  expect_host_untouched();
  EXPECT_GT(built_rounds, 0) << "the attack must not make every round fail, or nothing was tried";
}

}  // namespace
}  // namespace agentsafe::mount::test
