#include "runtime/mount/rootfs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>

#include "harness.h"
#include "runtime/base/error.h"
#include "runtime/sys/fd.h"

namespace agentsafe::mount::test {
namespace {

std::string describe(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return "missing";
  char text[100];
  const char* type = S_ISCHR(info.st_mode)    ? "c"
                     : S_ISBLK(info.st_mode)  ? "b"
                     : S_ISDIR(info.st_mode)  ? "d"
                     : S_ISLNK(info.st_mode)  ? "l"
                     : S_ISFIFO(info.st_mode) ? "p"
                                              : "-";
  std::snprintf(text, sizeof text, "%s%o %u:%u %u:%u", type, info.st_mode & 07777, info.st_uid, info.st_gid,
                major(info.st_rdev), minor(info.st_rdev));
  return text;
}

std::string try_write(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return errno == EROFS ? "EROFS" : std::to_string(errno);
  ::close(fd);
  return "written";
}

// Those of the flags that the mount at `point` has: " ro nosuid". The folder of the tests may bring more.
std::string flags_among(const std::string& point, const std::vector<std::string>& flags) {
  const std::string line = mounted_at(point);
  const std::string there = "," + line.substr(0, line.find(' ')) + ",";
  std::string found;
  for (const auto& flag : flags)
    if (there.find("," + flag + ",") != std::string::npos) found += " " + flag;
  return found;
}

class RootfsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    SKIP_UNLESS_ROOT();
    make_folder(folder / "rootfs");
  }
  [[nodiscard]] std::string in_root(const std::string& path) const { return folder.path + "/rootfs" + path; }
  oci::Spec spec() const { return container_in(folder / "rootfs"); }
  Folder folder;
};

TEST_F(RootfsTest, BuildsTheDefaultContainer) {
  const auto outcome = run(spec(), [] { return listing("/") + "|" + listing("/dev") + "|" + mounted_at("/sys"); });
  EXPECT_EQ(outcome.error, "");
  const std::string core = ::access("/proc/kcore", F_OK) == 0 ? "core " : "";
  EXPECT_EQ(outcome.said,
            "dev proc sys|" + core + "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero|"
            "ro,nosuid,nodev,noexec,relatime sysfs");
  EXPECT_EQ(listing(in_root("/dev")), "") << "the mounts must not have left anything on the host";
}

TEST_F(RootfsTest, HidesTheHost) {
  write_text(folder / "outside", "secret");
  const auto outcome = run(spec(), [this] { return text_of(folder / "outside") + text_of("/../../outside"); });
  EXPECT_EQ(outcome.error + outcome.said, "missingmissing");
}

TEST_F(RootfsTest, NoPivotHidesTheHostToo) {
  write_text(folder / "outside", "secret");
  write_text(in_root("/inside"), "here");
  Setting setting;
  setting.facts.no_pivot = true;
  const auto outcome = run(
      spec(),
      [this] {
        std::string points;
        for (const char* point : {"/", "/proc", "/sys"}) points += mounted_at(point).substr(0, 2);
        return text_of(folder / "outside") + text_of("/inside") + points;
      },
      setting);
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.said, "missinghererwrwro");
}

TEST_F(RootfsTest, MakesDevicesWithModeAndOwnerWhateverTheUmask) {
  auto config = spec();
  config.linux->devices = {{"c", "/dev/mine", 10, 229, 0660, 1000, 2000},
                           {"b", "/dev/dir/blk", 8, 17, 0600, {}, {}},
                           {"p", "/pipe", 0, 0, 0666, {}, {}},
                           {"u", "/dev/null", 1, 3, 0600, {}, {}}};
  const mode_t before = ::umask(0077);
  const auto outcome = run(config, [] {
    return describe("/dev/mine") + "|" + describe("/dev/dir/blk") + "|" + describe("/pipe") + "|" +
           describe("/dev/null") + "|" + describe("/dev/zero") + "|" + describe("/dev/dir");
  });
  ::umask(before);
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.said, "c660 1000:2000 10:229|b600 0:0 8:17|p666 0:0 0:0|c600 0:0 1:3|c666 0:0 1:5|d755 0:0 0:0");
}

TEST_F(RootfsTest, KeepsAMatchingDeviceOfTheImageAndRefusesAnother) {
  auto config = spec();
  config.mounts = {};
  make_folder(in_root("/dev"));
  ASSERT_EQ(::mknod(in_root("/dev/null").c_str(), S_IFCHR | 0600, makedev(1, 3)), 0);
  EXPECT_EQ(run(config, [] { return describe("/dev/null"); }).said, "c666 0:0 1:3");
  EXPECT_EQ(describe(in_root("/dev/null")), "c666 0:0 1:3");
  ::unlink(in_root("/dev/null").c_str());
  write_text(in_root("/dev/null"), "");
  EXPECT_NE(run(config, [] { return std::string(); }).error.find("another file than this device is there"),
            std::string::npos);
}

TEST_F(RootfsTest, MasksFilesAndFolders) {
  auto config = spec();
  make_folder(in_root("/secrets"));
  make_folder(in_root("/more"));
  write_text(in_root("/secrets/key"), "secret");
  write_text(in_root("/one"), "secret");
  write_text(in_root("/two"), "secret");
  config.linux->maskedPaths = {"/secrets", "/one", "/two", "/more", "/no/such", "/one/below", "/one", "/proc/kcore"};
  const std::string host_null = describe("/dev/null");
  const auto outcome = run(config, [] {
    struct stat first {
    }, second{};
    ::stat("/secrets", &first);
    ::stat("/more", &second);
    const bool chmodded = ::chmod("/one", 0600) == 0;
    return describe("/one") + describe("/two") + text_of("/one") + listing("/secrets") + try_write("/secrets/x") +
           (first.st_dev == second.st_dev ? " shared" : " separate") + (chmodded ? " changed" : " kept") +
           try_write("/two");
  });
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.said, host_null + host_null + "EROFS shared keptwritten");
  EXPECT_EQ(text_of(in_root("/one")), "secret");
  EXPECT_EQ(describe("/dev/null"), host_null) << "the host's node must stay as it was";
}

TEST_F(RootfsTest, MakesPathsReadOnlyAndKeepsTheirOtherFlags) {
  auto config = spec();
  make_folder(in_root("/data"));
  config.mounts[0].options = {"nosuid", "nodev", "noexec"};
  config.linux->readonlyPaths = {"/data", "/proc/sys", "/no/such"};
  const auto outcome =
      run(config, [] { return try_write("/data/x") + try_write("/y") + " " + mounted_at("/proc/sys"); });
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.said, "EROFSwritten ro,nosuid,nodev,noexec,relatime proc");
}

TEST_F(RootfsTest, AReadOnlyRootStillGetsItsMountsDevicesAndLateFiles) {
  auto config = spec();
  config.root->readonly = true;
  config.mounts.push_back(tmpfs("/ro", {"ro"}));
  config.mounts.push_back(tmpfs("/ro/rw"));
  config.mounts[1].options.emplace_back("ro");  // /dev
  Setting setting;
  setting.before_seal = [] { return try_write("/dev/console") + " "; };
  const auto outcome = run(
      config,
      [] {
        return try_write("/x") + try_write("/ro/x") + try_write("/ro/rw/x") + try_write("/dev/x") +
               describe("/dev/null");
      },
      setting);
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.said, "written EROFSEROFSwrittenEROFSc666 0:0 1:3");
}

TEST_F(RootfsTest, BindsFoldersAndFilesAndMakesTheirTargets) {
  make_folder(folder / "data/sub");
  write_text(folder / "data/file", "text");
  auto config = spec();
  config.mounts.push_back(bind_mount(folder / "data", "/a/b/c", {"bind", "ro", "nosuid", "noexec"}));
  config.mounts.push_back(bind_mount(folder / "data/file", "/etc/deep/file", {"rbind"}));
  const auto outcome = run(config, [] {
    return text_of("/a/b/c/file") + text_of("/etc/deep/file") + try_write("/a/b/c/new") +
           flags_among("/a/b/c", {"ro", "nosuid", "noexec"});
  });
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.said, "texttextEROFS ro nosuid noexec");
  EXPECT_EQ(listing(folder / "data"), "file sub");
  EXPECT_EQ(describe(in_root("/a/b/c")), "d755 0:0 0:0");
  EXPECT_EQ(describe(in_root("/etc/deep/file")), "-644 0:0 0:0");
}

TEST_F(RootfsTest, AFolderOnAFileIsRefusedInTheWordsOfEngines) {
  make_folder(folder / "data");
  write_text(folder / "file", "");
  write_text(in_root("/file"), "");
  make_folder(in_root("/folder"));
  auto config = spec();
  config.mounts.push_back(bind_mount(folder / "data", "/file"));
  EXPECT_NE(run(config, [] { return std::string(); }).error.find("not a directory"), std::string::npos);
  config.mounts.back() = bind_mount(folder / "file", "/folder");
  EXPECT_NE(run(config, [] { return std::string(); }).error.find("not a directory"), std::string::npos);
}

TEST_F(RootfsTest, ATmpfsKeepsTheModeOfWhatItCoversOnlyIfThatExisted) {
  make_folder(in_root("/data"));
  ::chmod(in_root("/data").c_str(), 0711);
  auto config = spec();
  config.mounts.push_back(tmpfs("/data"));
  config.mounts.push_back(tmpfs("/new"));
  config.mounts.push_back(tmpfs("/set", {"mode=0700"}));
  const auto outcome = run(config, [] { return describe("/data") + "|" + describe("/new") + "|" + describe("/set"); });
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.said, "d711 0:0 0:0|d1777 0:0 0:0|d700 0:0 0:0");
}

TEST_F(RootfsTest, TmpcopyupFillsATmpfs) {
  make_folder(in_root("/data/sub"));
  write_text(in_root("/data/sub/file"), "kept");
  ::chmod(in_root("/data/sub/file").c_str(), 04640);
  ASSERT_EQ(::chown(in_root("/data/sub").c_str(), 7, 8), 0);
  ASSERT_EQ(::symlink("/etc/shadow", in_root("/data/link").c_str()), 0);
  auto config = spec();
  config.mounts.push_back(tmpfs("/data", {"tmpcopyup", "ro"}));
  const auto outcome = run(config, [] {
    return text_of("/data/sub/file") + describe("/data/sub/file") + describe("/data/sub") +
           describe("/data/link").substr(0, 1) + try_write("/data/x");
  });
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.said, "kept-4640 0:0 0:0d755 7:8 0:0lEROFS");
}

TEST_F(RootfsTest, TheFileSystemsWordsAreInTheError) {
  auto config = spec();
  config.mounts.push_back(tmpfs("/t", {"size=nonsense"}));
  const auto error = run(config, [] { return std::string(); }).error;
  EXPECT_NE(error.find("error mounting \"tmpfs\" to rootfs at \"/t\": fsconfig(size=nonsense)"), std::string::npos) << error;
  config.mounts.back() = {"/t", "x", "nosuchfs", {}, {}, {}};
  EXPECT_NE(run(config, [] { return std::string(); }).error.find("fsopen nosuchfs"), std::string::npos);
}

TEST_F(RootfsTest, LongValuesAndIversionGoThroughTheOldCall) {
  std::string layers;
  for (int i = 0; i < 40; ++i) {
    const std::string layer = folder / ("layer" + std::to_string(i));
    make_folder(layer);
    layers += (i == 0 ? "" : ":") + layer;
  }
  write_text(folder / "layer39/file", "low");
  make_folder(folder / "up");
  make_folder(folder / "work");
  auto config = spec();
  config.mounts.push_back(
      {"/o",
       "overlay",
       "overlay",
       {"lowerdir=" + layers, "upperdir=" + folder.path + "/up,workdir=" + folder.path + "/work", "nosuid", "noatime"},
       {},
       {}});
  config.mounts.push_back(tmpfs("/v", {"iversion", "ro", "nodev"}));
  const auto outcome =
      run(config, [] { return text_of("/o/file") + try_write("/o/new") + mounted_at("/o") + "|" + mounted_at("/v"); });
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.said, "lowwrittenrw,nosuid,noatime overlay|ro,nodev,relatime tmpfs");
  EXPECT_EQ(listing(folder / "up"), "new");
}

TEST_F(RootfsTest, RemountsWhatIsMounted) {
  auto config = spec();
  config.mounts.push_back(tmpfs("/t", {"size=64k"}));
  config.mounts.push_back({"/t", "none", "none", {"remount", "ro", "nosuid", "size=128k"}, {}, {}});
  config.mounts.push_back({"/t", "", "", {"unbindable"}, {}, {}});
  const auto outcome = run(config, [] { return mounted_at("/t") + " " + text_of("/proc/self/mountinfo"); });
  EXPECT_EQ(outcome.error, "");
  EXPECT_TRUE(outcome.said.starts_with("ro,nosuid,relatime tmpfs")) << outcome.said;
  EXPECT_NE(outcome.said.find("size=128k"), std::string::npos);
  EXPECT_NE(outcome.said.find("unbindable"), std::string::npos);
}

TEST_F(RootfsTest, AtimeWordsReachTheMount) {
  auto config = spec();
  config.mounts.push_back(tmpfs("/a", {"noatime", "nodiratime"}));
  config.mounts.push_back(tmpfs("/b", {"strictatime"}));
  config.mounts.push_back(bind_mount(folder.path, "/c", {"bind", "noatime"}));
  config.mounts.push_back(tmpfs("/d", {"rnoatime", "rro"}));
  const auto outcome = run(config, [] {
    return mounted_at("/a") + "|" + mounted_at("/b") + "|" + flags_among("/c", {"noatime", "nodiratime"}) + "|" +
           mounted_at("/d");
  });
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.said, "rw,noatime,nodiratime tmpfs|rw tmpfs| noatime|ro,noatime tmpfs");
}

TEST_F(RootfsTest, CrunsLinkOptionsWork) {
  write_text(folder / "text", "text");
  ASSERT_EQ(::symlink("/target", (folder / "link").c_str()), 0);
  ASSERT_EQ(::symlink("/elsewhere", in_root("/placed").c_str()), 0);
  auto config = spec();
  config.mounts.push_back(bind_mount(folder / "link", "/deep/copied", {"bind", "copy-symlink"}));
  config.mounts.push_back(bind_mount(folder / "link", "/itself", {"bind", "src-nofollow"}));
  config.mounts.push_back(bind_mount(folder / "text", "/placed", {"bind", "dest-nofollow"}));
  const auto outcome = run(config, [] {
    return describe("/deep/copied").substr(0, 1) + describe("/itself").substr(0, 1) + describe("/placed").substr(0, 1) +
           describe("/elsewhere");
  });
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.said, "ll-missing");
}

}  // namespace
}  // namespace agentsafe::mount::test
