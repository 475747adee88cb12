// Who gets which host ids.
#include "runtime/container/id_ranges.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <set>

#include "runtime/base/error.h"

namespace agentsafe::container {
namespace {

class IdRangesTest : public testing::Test {
 protected:
  IdRangesTest() {
    char name[] = "/tmp/agentsafe-ids.XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~IdRangesTest() override { std::filesystem::remove_all(folder_); }
  std::string container(const std::string& id) const {
    std::filesystem::create_directories(folder_ + "/" + id);
    return folder_ + "/" + id;
  }
  [[nodiscard]] std::string registry() const { return folder_ + "/ids"; }
  std::string folder_;
};

constexpr std::string_view three = "agentsafe:1000000:196608\n";

TEST_F(IdRangesTest, TwoContainersNeverShareARange) {
  const auto allowed = allowed_ids(three, three);
  std::set<std::uint32_t> firsts;
  for (const char* id : {"a", "b", "c"}) firsts.insert(take_id_range(registry(), allowed, container(id)));
  EXPECT_EQ(firsts, (std::set<std::uint32_t>{1000000, 1065536, 1131072}));
  EXPECT_THROW((void)take_id_range(registry(), allowed, container("d")), Error);
}

TEST_F(IdRangesTest, AReleasedRangeIsTakenAgain) {
  const auto allowed = allowed_ids("agentsafe:1000000:65536", "agentsafe:1000000:65536");
  const auto first = take_id_range(registry(), allowed, container("a"));
  release_id_range(registry(), first, container("other"));  // not its own
  EXPECT_THROW((void)take_id_range(registry(), allowed, container("b")), Error);
  release_id_range(registry(), first, container("a"));
  EXPECT_EQ(take_id_range(registry(), allowed, container("b")), first);
}

TEST_F(IdRangesTest, TheRangeOfAContainerThatIsGoneIsTakenAgain) {
  const auto allowed = allowed_ids("agentsafe:1000000:65536", "agentsafe:1000000:65536");
  const auto first = take_id_range(registry(), allowed, container("a"));
  std::filesystem::remove_all(container("a"));
  EXPECT_EQ(take_id_range(registry(), allowed, container("b")), first);
}

TEST_F(IdRangesTest, AllRangesOfAContainerAreGivenBackWithoutKnowingThem) {
  const auto allowed = allowed_ids(three, three);
  const auto first = take_id_range(registry(), allowed, container("a"));
  const auto other = take_id_range(registry(), allowed, container("b"));
  release_id_ranges_of(registry(), container("a"));
  release_id_ranges_of(folder_ + "/missing", container("a"));
  EXPECT_FALSE(std::filesystem::exists(registry() + "/" + std::to_string(first)));
  EXPECT_TRUE(std::filesystem::exists(registry() + "/" + std::to_string(other)));
}

TEST_F(IdRangesTest, WhatOthersHaveIsLeftOut) {
  const auto allowed = allowed_ids("agentsafe:1000000:131072\nuser:1065000:65536\n", "agentsafe:1000000:131072\n");
  EXPECT_THROW((void)take_id_range(registry(), allowed, container("a")), Error);
  const auto usual = allowed_ids("user:100000:65536\n", "");
  EXPECT_GE(take_id_range(registry(), usual, container("a")), 0x60000000U);
}

TEST_F(IdRangesTest, DifferentIdsForUsersAndGroupsAreRefused) {
  EXPECT_THROW((void)allowed_ids("agentsafe:1000000:65536\n", ""), Error);
  EXPECT_THROW((void)allowed_ids("agentsafe:1000000:65536\n", "agentsafe:2000000:65536\n"), Error);
  EXPECT_THROW((void)allowed_ids("agentsafe:1000000:1000\n", "agentsafe:1000000:1000\n"), Error);
}

}  // namespace
}  // namespace agentsafe::container
