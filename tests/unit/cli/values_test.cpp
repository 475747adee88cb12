#include "runtime/cli/values.h"

#include <gtest/gtest.h>

namespace agentsafe::cli {
namespace {

using namespace std::chrono_literals;

TEST(ValuesTest, ReadsBooleansAsGoDoes) {
  for (const auto yes : {"1", "t", "T", "true", "TRUE", "True"}) EXPECT_EQ(parse_bool(yes), true) << yes;
  for (const auto no : {"0", "f", "F", "false", "FALSE", "False"}) EXPECT_EQ(parse_bool(no), false) << no;
  for (const auto neither : {"", "yes", "tRUE", "2", "on"}) EXPECT_EQ(parse_bool(neither), std::nullopt) << neither;
}

TEST(ValuesTest, ReadsSizesInPowersOf1024) {
  EXPECT_EQ(parse_size("0"), 0);
  EXPECT_EQ(parse_size("4096"), 4096);
  EXPECT_EQ(parse_size("512M"), 512LL << 20);
  EXPECT_EQ(parse_size("1g"), 1LL << 30);
  EXPECT_EQ(parse_size("64kB"), 64 << 10);
  EXPECT_EQ(parse_size("2GiB"), 2LL << 30);
  EXPECT_EQ(parse_size("1.5g"), 3LL << 29);
  EXPECT_EQ(parse_size("3 TB"), 3LL << 40);
  EXPECT_EQ(parse_size("100b"), 100);
  EXPECT_EQ(parse_size("-1"), -1);
}

TEST(ValuesTest, RefusesWhatIsNoSize) {
  for (const auto text :
       {"", "-2", "-1m", "M", "1x", "1mm", "1.2.3", ".", "0x10", "1ib", "9999999999g", "99999999999999999999"})
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
}

TEST(ValuesTest, ReadsDurationsAsGoDoes) {
  EXPECT_EQ(parse_duration("5s"), 5s);
  EXPECT_EQ(parse_duration("1m30s"), 90s);
  EXPECT_EQ(parse_duration("1.5h"), 90min);
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration(".5s"), 500ms);
  EXPECT_EQ(parse_duration("1500us"), 1ms);
  EXPECT_EQ(parse_duration("1500µs"), 1ms);
  EXPECT_EQ(parse_duration("2000000ns"), 2ms);
  EXPECT_EQ(parse_duration("0"), 0ms);
}

TEST(ValuesTest, RefusesWhatIsNoDuration) {
  for (const auto text : {"", "5", "s", "-5s", "5 s", "5s5", "1d", "1..5s", "5S", "99999999999999999999h"})
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
}

TEST(ValuesTest, ReadsUsersWithAndWithoutAGroup) {
  EXPECT_EQ(parse_user("1000")->uid, 1000U);
  EXPECT_EQ(parse_user("1000")->gid, std::nullopt);
  EXPECT_EQ(parse_user("0:5")->gid, 5U);
  for (const auto text : {"", ":", "1:", ":1", "root", "1:2:3", "-1", "4294967296"})
    EXPECT_FALSE(parse_user(text).has_value()) << text;
}

}  // namespace
}  // namespace agentsafe::cli
