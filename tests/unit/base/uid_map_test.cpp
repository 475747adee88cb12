#include "runtime/base/uid_map.h"

#include <gtest/gtest.h>

namespace agentsafe {
namespace {

TEST(UidMapTest, AUidIsKnownOutsideByTheMap) {
  const auto podmans = parse_uid_map("         0       1000          1\n         1     100000      65536\n");
  EXPECT_EQ(outside_uid(podmans, 0), 1000);
  EXPECT_EQ(outside_uid(podmans, 1), 100'000);
  EXPECT_EQ(outside_uid(podmans, 65'536), 165'535);
  EXPECT_EQ(outside_uid(podmans, 65'537), std::nullopt);
  EXPECT_EQ(outside_uid(parse_uid_map("0 0 4294967295\n"), 4'294'967'294), 4'294'967'294);
}

TEST(UidMapTest, WhatIsNoMapMapsNothing) {
  for (const char* bad : {"", "\n", "0 1000\n", "0 x 1\n", "-1 0 1\n", "0 0 4294967296\n", "0 0 1 1\n"})
    EXPECT_EQ(outside_uid(parse_uid_map(bad), 0), std::nullopt) << bad;
}

TEST(UidMapTest, TheInitialNamespaceMapsEveryIdToItself) {
  EXPECT_TRUE(is_initial(parse_uid_map("         0          0 4294967295\n")));
  for (const char* other : {"         0       1000          1\n", "0 0 65536\n65536 65536 1\n", "0 1 4294967295\n", ""})
    EXPECT_FALSE(is_initial(parse_uid_map(other))) << other;
}

}  // namespace
}  // namespace agentsafe
