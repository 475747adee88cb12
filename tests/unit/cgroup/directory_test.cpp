#include "runtime/cgroup/directory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/unit/cgroup/fake_tree.h"

namespace agentsafe::cgroup {
namespace {

constexpr std::chrono::milliseconds at_once{0};

Place place_in(const FakeTree& tree, const std::string& path) { return {{}, tree.top(), "/", path}; }

TEST(DirectoryTest, KnowsTheTopmostParentThatIsMissing) {
  const FakeTree tree;
  EXPECT_EQ(first_missing_parent(place_in(tree, "/web")), "");
  EXPECT_EQ(first_missing_parent(place_in(tree, "/a/b/web")), "/a");
  tree.put("a/file");
  EXPECT_EQ(first_missing_parent(place_in(tree, "/a/b/web")), "/a/b");
  EXPECT_EQ(first_missing_parent(place_in(tree, "/a/web")), "");
}

TEST(DirectoryTest, RemovesTheParentsThatItMadeAndNoOthers) {
  const FakeTree tree;
  tree.put("a/file");
  Place place = place_in(tree, "/a/b/c/web");
  place.first_missing = first_missing_parent(place);
  Directory directory(place);
  directory.make();
  directory.keep();
  EXPECT_TRUE(tree.has("a/b/c/web"));
  directory.remove(at_once);
  EXPECT_FALSE(tree.has("a/b"));
  EXPECT_TRUE(tree.has("a/file"));
}

TEST(DirectoryTest, LeavesAParentThatAnotherUsesByNow) {
  const FakeTree tree;
  Place place = place_in(tree, "/a/b/web");
  place.first_missing = "/a";
  Directory directory(place);
  directory.make();
  directory.keep();
  tree.put("a/other/file");
  directory.remove(at_once);
  EXPECT_FALSE(tree.has("a/b"));
  EXPECT_TRUE(tree.has("a/other/file"));
}

TEST(DirectoryTest, IsMadeAlsoWhenAParentIsRemovedMeanwhile) {
  const FakeTree tree;
  Directory directory(place_in(tree, "/a/web"));
  int made = 0;
  directory.make([&](const std::string&) {
    if (++made == 1) ::rmdir((tree.top() + "/a").c_str());
  });
  EXPECT_TRUE(tree.has("a/web"));
  EXPECT_EQ(made, 3);
}

TEST(DirectoryTest, GivesUpWhenTheParentKeepsVanishing) {
  const FakeTree tree;
  Directory directory(place_in(tree, "/a/web"));
  const auto message =
      error_of([&] { directory.make([&](const std::string&) { ::rmdir((tree.top() + "/a").c_str()); }); });
  EXPECT_NE(message.find("make the cgroup " + tree.top() + "/a/web"), std::string::npos) << message;
}

}  // namespace
}  // namespace agentsafe::cgroup
