#include "runtime/mount/in_root.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <unistd.h>

#include <cerrno>

#include "harness.h"
#include "runtime/base/error.h"
#include "runtime/sys/fd.h"

namespace agentsafe::mount::test {
namespace {

using Open = UniqueFd (*)(FdRef, const std::string&, int);

// Both ways of resolving: by openat2 and by our own walk.
class InRootTest : public ::testing::TestWithParam<Open> {
 protected:
  void SetUp() override {
    make_folder(folder / "root/a/b");
    write_text(folder / "root/a/b/file", "inside");
    write_text(folder / "outside", "outside");
    root = sys::openat(sys::at_cwd, folder / "root", O_PATH | O_DIRECTORY);
  }
  void link(const std::string& target, const std::string& name) {
    ASSERT_EQ(::symlink(target.c_str(), (folder / ("root/" + name)).c_str()), 0);
  }
  std::string opened(const std::string& path) {
    const UniqueFd fd = GetParam()(root, path, 0);
    return fd ? sys::readlinkat(sys::at_cwd, sys::proc_path(fd)).substr(folder.path.size()) : "nothing";
  }
  int error_of(const std::string& path) {
    try {
      (void)GetParam()(root, path, 0);
    } catch (const Error& error) {
      return error.error_number();
    }
    return 0;
  }
  Folder folder;
  UniqueFd root;
};
INSTANTIATE_TEST_SUITE_P(BothWays, InRootTest, ::testing::Values(&try_open_in_root, &try_walk_in_root));

TEST_P(InRootTest, FindsWhatIsThere) {
  EXPECT_EQ(opened("/a/b/file"), "/root/a/b/file");
  EXPECT_EQ(opened("a//./b/../b/file"), "/root/a/b/file");
  EXPECT_EQ(opened("/"), "/root");
  EXPECT_EQ(opened("/a/none"), "nothing");
  EXPECT_EQ(opened("/a/b/file/below"), "nothing");
}

TEST_P(InRootTest, NeverLeavesTheRoot) {
  link("/", "top");
  link("../../../../../../..", "up");
  link((folder.path + "/outside").c_str(), "absolute");
  link("/a/b", "abs");
  link("a/./b/../b", "relative");
  link("abs/file", "chain");
  EXPECT_EQ(opened("../../outside"), "nothing");
  EXPECT_EQ(opened("/up/outside"), "nothing");
  EXPECT_EQ(opened("/up/a"), "/root/a");
  EXPECT_EQ(opened("/absolute"), "nothing");
  EXPECT_EQ(opened("/top/a/b/file"), "/root/a/b/file");
  EXPECT_EQ(opened("/abs/file"), "/root/a/b/file");
  EXPECT_EQ(opened("/relative/../../a/b/file"), "/root/a/b/file");
  EXPECT_EQ(opened("/chain"), "/root/a/b/file");
}

TEST_P(InRootTest, LinkLoopsAndMagicLinksAreErrors) {
  link("loop", "loop");
  EXPECT_EQ(error_of("/loop"), ELOOP);
  const UniqueFd proc = sys::openat(sys::at_cwd, "/proc", O_PATH | O_DIRECTORY);
  for (const char* path : {"self/root", "self/cwd", "self/exe", "self/fd/0"}) {
    try {
      (void)GetParam()(proc, path, 0);
      ADD_FAILURE() << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.error_number(), ELOOP) << path;
    }
  }
  EXPECT_TRUE(GetParam()(proc, "self/status", 0)) << "self is a plain link";
}

TEST_P(InRootTest, AsksForADirectoryWhenToldTo) {
  EXPECT_FALSE(GetParam()(root, "/a/b/file", O_DIRECTORY));
  EXPECT_TRUE(GetParam()(root, "/a/b", O_DIRECTORY));
}

class MakeTargetTest : public InRootTest {};
INSTANTIATE_TEST_SUITE_P(Once, MakeTargetTest, ::testing::Values(&try_open_in_root));

TEST_P(MakeTargetTest, MakesWhatIsMissing) {
  EXPECT_TRUE(make_target(root, "/x/y/z", TargetKind::directory).made);
  EXPECT_TRUE(make_target(root, "/x/f/file", TargetKind::file).made);
  EXPECT_FALSE(make_target(root, "/a/b", TargetKind::directory).made);
  EXPECT_EQ(listing(folder / "root/x"), "f y");
  EXPECT_EQ(text_of(folder / "root/x/f/file"), "");
}

// CVE-2024-45310: what is made for a mount must not be made where a link of the image leads on the host.
TEST_P(MakeTargetTest, MakesNothingOutside) {
  make_folder(folder / "host");
  link((folder.path + "/host").c_str(), "vol");
  link("../../../../../../../../../.." + folder.path + "/host", "deep");
  link("/dangling/x", "dangle");
  EXPECT_TRUE(make_target(root, "/vol/a/b", TargetKind::directory).made);
  EXPECT_TRUE(make_target(root, "/deep/c", TargetKind::file).made);
  EXPECT_TRUE(make_target(root, "/dangle", TargetKind::file).made);
  EXPECT_EQ(listing(folder / "host"), "");
  EXPECT_EQ(text_of(folder / "root/dangling/x"), "") << "a dangling link is followed inside";
  EXPECT_EQ(listing(folder.path + "/root" + folder.path + "/host"), "a c");
}

TEST_P(MakeTargetTest, AFileOnTheWayIsAnError) {
  EXPECT_THROW((void)make_target(root, "/a/b/file/x", TargetKind::directory), Error);
  EXPECT_THROW((void)make_target(root, "/a/b/file", TargetKind::directory), Error);
  EXPECT_THROW((void)make_target(root, "/a/b", TargetKind::file), Error);
}

TEST_P(MakeTargetTest, APlainDirectoryHasNoLinkOnItsWay) {
  link("a", "linked");
  write_text(folder / "root/file", "");
  EXPECT_FALSE(make_plain_directory(root, "/a/b").made);
  EXPECT_TRUE(make_plain_directory(root, "/proc").made);
  for (const char* path : {"/linked", "/linked/b", "/file"}) {
    try {
      (void)make_plain_directory(root, path);
      ADD_FAILURE() << path;
    } catch (const Error& error) {
      EXPECT_NE(error.message().find("must be mounted on ordinary directory"), std::string::npos) << error.message();
    }
  }
}

TEST_P(MakeTargetTest, WithoutFollowingALinkIsTheTargetItself) {
  link("/nowhere", "l");
  EXPECT_TRUE(S_ISLNK(make_target_nofollow(root, "/l", TargetKind::file).info.st_mode));
  EXPECT_TRUE(make_target_nofollow(root, "/n/m", TargetKind::file).made);
}

}  // namespace
}  // namespace agentsafe::mount::test
