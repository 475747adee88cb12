// User namespaces, idmapped mounts, propagation, cgroups, terminals.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <sched.h>

#include "harness.h"
#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/mount/console.h"
#include "runtime/mount/procfs.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/mount.h"
#include "runtime/sys/process.h"

namespace agentsafe::mount::test {
namespace {

std::string owner_of(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return "missing";
  return std::to_string(info.st_uid) + ":" + std::to_string(info.st_gid);
}

std::string device_of(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return "missing";
  return std::to_string(major(info.st_rdev)) + ":" + std::to_string(minor(info.st_rdev));
}

// Runs `body` in a mount namespace of its own, so that the host's mounts stay as they are.
void in_own_mount_namespace(const std::function<void()>& body) {
  const sys::Child child = sys::clone3({.flags = CLONE_NEWNS}, [&] {
    sys::mount_setattr(sys::at_cwd, "/", {.propagation = MS_PRIVATE}, true);
    body();
    return ::testing::Test::HasFailure() ? 1 : 0;
  });
  EXPECT_EQ(sys::wait(child.pidfd).status(), 0);
}

class NamespacesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    SKIP_UNLESS_ROOT();
    make_folder(folder / "rootfs");
  }
  oci::Spec spec() const { return container_in(folder / "rootfs"); }
  oci::Spec user_spec() const {
    EXPECT_EQ(::chown((folder / "rootfs").c_str(), 100000, 100000), 0);
    return user_container_in(folder / "rootfs");
  }
  Folder folder;
};

TEST_F(NamespacesTest, AUserNamespaceGetsItsMountsAndBoundDevices) {
  const auto outcome = run(user_spec(), [] {
    return device_of("/dev/null") + " " + device_of("/dev/tty") + " " + listing("/dev/pts") + " " +
           mounted_at("/proc").substr(0, 2);
  });
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.said, "1:3 5:0 ptmx rw");
}

TEST_F(NamespacesTest, SourcesThatTheContainersRootCannotReachAreOpenedByTheParent) {
  make_folder(folder / "private/data");
  write_text(folder / "private/data/file", "text");
  ::chmod((folder / "private").c_str(), 0700);
  auto config = user_spec();
  config.mounts.push_back(bind_mount(folder / "private/data", "/data", {"rbind", "ro", "nosuid"}));
  const auto outcome = run(config, [] { return text_of("/data/file") + " " + mounted_at("/data").substr(0, 9); });
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.said, "text ro,nosuid");
}

TEST_F(NamespacesTest, MasksAndReadonlyPathsWorkInAUserNamespace) {
  write_text(folder / "rootfs/secret", "secret");
  auto config = user_spec();
  config.linux->maskedPaths = {"/secret", "/proc/acpi", "/proc/keys", "/sys/firmware"};
  config.linux->readonlyPaths = {"/proc/sys", "/proc/bus"};
  config.root->readonly = true;
  const auto outcome = run(config, [] { return text_of("/secret") + mounted_at("/proc/sys").substr(0, 2); });
  EXPECT_EQ(outcome.error + outcome.said, "ro");
}

TEST_F(NamespacesTest, NothingIsSharedFromAUserNamespaceToTheHost) {
  in_own_mount_namespace([this] {
    make_folder(folder / "shared/inner");
    sys::mount("tmpfs", folder / "shared", "tmpfs", 0, "");
    make_folder(folder / "shared/inner");
    sys::mount("", folder / "shared", "", MS_SHARED, "");
    auto config = user_spec();
    config.linux->rootfsPropagation = "shared";
    config.mounts.push_back(bind_mount(folder / "shared", "/shared", {"rbind", "rshared"}));
    const auto outcome = run(config, [] {
      sys::mount("tmpfs", "/shared/inner", "tmpfs", 0, "");
      return mounted_at("/shared/inner").substr(0, 2);
    });
    EXPECT_EQ(outcome.error + outcome.said, "rw");
    EXPECT_EQ(mounted_at(folder / "shared/inner"), "none");
  });
}

TEST_F(NamespacesTest, SharedMountsPassBothWaysWithoutAUserNamespace) {
  in_own_mount_namespace([this] {
    make_folder(folder / "shared");
    sys::mount("tmpfs", folder / "shared", "tmpfs", 0, "");
    sys::mount("", folder / "shared", "", MS_SHARED, "");
    make_folder(folder / "shared/inner");
    auto config = spec();
    config.linux->rootfsPropagation = "shared";
    config.mounts.push_back(bind_mount(folder / "shared", "/shared", {"rbind", "rshared"}));
    config.mounts.push_back(tmpfs("/own"));
    const auto outcome = run(config, [] {
      sys::mount("tmpfs", "/shared/inner", "tmpfs", 0, "");
      return text_of("/proc/self/mountinfo");
    });
    EXPECT_EQ(outcome.error, "");
    EXPECT_NE(outcome.said.find(" / / "), outcome.said.find(" shared:"));
    EXPECT_NE(mounted_at(folder / "shared/inner"), "none");
    EXPECT_EQ(mounted_at(folder / "rootfs/own"), "none") << "the container's mounts stay its own";
  });
}

TEST_F(NamespacesTest, AnIdmappedBindShiftsOwners) {
  make_folder(folder / "data");
  write_text(folder / "data/file", "");
  ASSERT_EQ(::chown((folder / "data/file").c_str(), 1000, 1000), 0);
  auto mapped = bind_mount(folder / "data", "/data", {"bind", "idmap"});
  mapped.uidMappings = {{1000, 5000, 10}};
  mapped.gidMappings = {{1000, 6000, 10}};
  auto config = spec();
  config.mounts.push_back(mapped);
  config.mounts.push_back(bind_mount(folder / "data", "/crun", {"bind", "idmap=uids=1000-7-1;gids=1000-8-1"}));
  const auto outcome = run(config, [] { return owner_of("/data/file") + " " + owner_of("/crun/file"); });
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.said, "5000:6000 7:8");
}

TEST_F(NamespacesTest, AnImpliedIdmapIsTheContainersOwn) {
  make_folder(folder / "data");
  write_text(folder / "data/file", "");
  auto config = user_spec();
  config.mounts.push_back(bind_mount(folder / "data", "/data", {"bind", "idmap"}));
  const auto outcome = run(config, [] { return owner_of("/data/file"); });
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.said, "0:0");
}

TEST_F(NamespacesTest, AFileSystemWithoutIdmapsIsNamed) {
  auto config = spec();
  config.mounts.push_back(bind_mount("/proc", "/data", {"bind", "idmap=uids=0-1-1;gids=0-1-1"}));
  const auto error = run(config, [] { return std::string(); }).error;
  EXPECT_NE(error.find("idmap /proc: the file system does not support idmapped mounts (proc, Linux "),
            std::string::npos)
      << error;
}

TEST_F(NamespacesTest, CgroupsOfVersion1AreOneFolderEach) {
  auto config = spec();
  config.mounts.push_back({"/sys/fs/cgroup", "cgroup", "cgroup", {"ro", "nosuid"}, {}, {}});
  make_folder(folder / "cpu,cpuacct/c1/marker-cpu");
  make_folder(folder / "pids/c1/marker-pids");
  Setting setting;
  setting.facts.cgroups.v1 = {{{"cpu", "cpuacct"}, folder / "cpu,cpuacct", "/", "/c1"},
                              {{"pids"}, folder / "pids", "/", "/c1"}};
  const auto outcome = run(
      config,
      [] {
        return listing("/sys/fs/cgroup") + "|" + listing("/sys/fs/cgroup/cpu") + "|" + listing("/sys/fs/cgroup/pids") +
               "|" + mounted_at("/sys/fs/cgroup") + "|" + mounted_at("/sys/fs/cgroup/pids").substr(0, 22);
      },
      setting);
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.said,
            "cpu cpu,cpuacct cpuacct pids|marker-cpu|marker-pids|ro,nosuid,nodev,noexec,relatime "
            "tmpfs|ro,nosuid,nodev,noexec");
}

TEST_F(NamespacesTest, WithoutACgroupOfItsOwnTheHostsIsReadOnly) {
  auto config = spec();
  std::erase_if(config.linux->namespaces, [](const auto& ns) { return ns.type == "cgroup"; });
  config.mounts.push_back({"/sys/fs/cgroup", "cgroup", "cgroup", {}, {}, {}});
  const auto outcome = run(config, [] { return mounted_at("/sys/fs/cgroup").substr(0, 3); });
  EXPECT_EQ(outcome.error + outcome.said, "ro,");
}

TEST_F(NamespacesTest, RootPropagationIsSetLast) {
  for (const char* word : {"private", "slave", "unbindable", "shared", ""}) {
    auto config = spec();
    config.linux->rootfsPropagation = word;
    const auto outcome = run(config, [] {
      const std::string table = text_of("/proc/self/mountinfo");
      for (const auto line : text::lines(table))
        if (text::split(line, ' ')[4] == "/") return std::string(line);
      return std::string();
    });
    EXPECT_EQ(outcome.error, "") << word;
    EXPECT_EQ(outcome.said.find("unbindable") != std::string::npos, std::string(word) == "unbindable");
    EXPECT_EQ(outcome.said.find("shared:") != std::string::npos, std::string(word) == "shared");
  }
}

TEST_F(NamespacesTest, TheConsoleIsThePeerOfTheMasterAndBelongsToTheUser) {
  auto config = spec();
  config.root->readonly = true;
  Setting setting;
  setting.before_seal = [] {
    ::setsid();
    const auto console = open_console({33, 77}, 1000, true);
    winsize size{};
    ::ioctl(console.master.get(), TIOCGWINSZ, &size);
    (void)!::write(1, "hello", 5);
    char text[6] = {};
    (void)!::read(console.master.get(), text, 5);
    return std::to_string(size.ws_row) + "x" + std::to_string(size.ws_col) + " " + text + " " +
           device_of("/dev/console") + " " + owner_of("/dev/pts/0") + " " +
           (::open("/dev/tty", O_RDWR | O_CLOEXEC) >= 0 ? "controlling" : "not");
  };
  const auto outcome = run(
      config, [] { return std::string(" ") + mounted_at("/dev/console").substr(0, 2); }, setting);
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.said, "33x77 hello 136:0 1000:5 controlling rw");
}

// CVE-2025-52565: a link in place of the console, a /dev/pts that is no devpts
TEST_F(NamespacesTest, AFakeConsoleOrPtsIsRefused) {
  make_folder(folder / "dev/pts");
  write_text(folder / "victim", "victim");
  auto config = spec();
  std::erase_if(config.mounts, [](const auto& m) { return m.destination.starts_with("/dev"); });
  config.mounts.push_back(bind_mount(folder / "dev", "/dev"));
  Setting setting;
  setting.before_seal = [] {
    ::setsid();
    (void)open_console({}, 0, true);
    return std::string("opened");
  };
  const auto nothing = [] { return std::string(); };
  ASSERT_EQ(::mknod((folder / "dev/pts/ptmx").c_str(), S_IFCHR | 0666, makedev(5, 2)), 0);
  EXPECT_NE(run(config, nothing, setting).error.find("not a devpts"), std::string::npos);
  config.mounts.push_back({"/dev/pts", "devpts", "devpts", {"newinstance", "ptmxmode=0666"}, {}, {}});
  ASSERT_EQ(::symlink("/victim", (folder / "dev/console").c_str()), 0);
  EXPECT_NE(run(config, nothing, setting).error.find("/dev/console is neither a file nor a device"), std::string::npos);
}

TEST_F(NamespacesTest, SysctlsAreWrittenInTheNewNamespaces) {
  Setting setting;
  setting.before_seal = [] {
    const UniqueFd whole = sys::openat(sys::at_cwd, "/proc", O_PATH | O_DIRECTORY);
    write_sysctls({{"net.ipv4.ip_unprivileged_port_start", "77"}}, whole);
    write_sysctls({{"kernel/msgmax", "4242"}}, private_proc());
    return text_of("/proc/sys/net/ipv4/ip_unprivileged_port_start") + text_of("/proc/sys/kernel/msgmax");
  };
  const std::string before = text_of("/proc/sys/kernel/msgmax");
  const auto outcome = run(
      spec(), [] { return std::string(); }, setting);
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.said, "77\n4242\n");
  EXPECT_EQ(text_of("/proc/sys/kernel/msgmax"), before);
}

TEST_F(NamespacesTest, SysctlsCannotLeaveTheirTree) {
  for (const char* name : {"net/../../self/oom_score_adj", "../self/comm", "net.no.such"}) {
    Setting setting;
    setting.before_seal = [name] { return write_sysctls({{name, "1"}}, private_proc()), std::string("written"); };
    EXPECT_NE(run(
                  spec(), [] { return std::string(); }, setting)
                  .error.find("set sysctl"),
              std::string::npos)
        << name;
  }
}

TEST_F(NamespacesTest, SysctlsOfAUserNamespaceDoNotNeedItsProc) {
  auto config = user_spec();
  config.mounts.erase(config.mounts.begin());  // no /proc in the container
  config.linux->maskedPaths = {"/no"};
  const auto outcome = run(config, [] { return std::string("built"); });
  EXPECT_EQ(outcome.error + outcome.said, "built");
}

}  // namespace
}  // namespace agentsafe::mount::test
