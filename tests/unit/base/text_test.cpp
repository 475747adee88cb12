#include "runtime/base/text.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace agentsafe::text {
namespace {

TEST(TextTest, ParsesOnlyWholeNumbers) {
  EXPECT_EQ(parse<std::uint32_t>("17"), 17U);
  for (const char* bad : {"", "+1", "-1", " 1", "1 ", "1x", "4294967296"}) EXPECT_FALSE(parse<std::uint32_t>(bad)) << bad;
  EXPECT_EQ(parse<std::uint64_t>("18446744073709551615"), UINT64_MAX);
}

TEST(TextTest, SplitsAndKeepsEmptyParts) {
  EXPECT_EQ(split("a,b,,c", ','), (std::vector<std::string_view>{"a", "b", "", "c"}));
  EXPECT_TRUE(split("", ',').empty());
  EXPECT_EQ(lines("a\nb\n"), (std::vector<std::string_view>{"a", "b"}));
}

TEST(TextTest, FindsWords) {
  EXPECT_EQ(words("  a \t b\n"), (std::vector<std::string_view>{"a", "b"}));
  EXPECT_TRUE(words("   ").empty());
}

TEST(TextTest, EscapesWhatATerminalWouldObey) {
  EXPECT_EQ(escaped("a\x1b[31m\n\t\\\x7f"), "a\\x1b[31m\\n\\t\\\\\\x7f");
}

TEST(TextTest, QuotesJsonStrings) {
  EXPECT_EQ(json_quoted("say \"hi\" \\ \n\t\x01/"), "\"say \\\"hi\\\" \\\\ \\n\\t\\u0001/\"");
}

TEST(TextTest, CleansPathsLexically) {
  EXPECT_EQ(clean_path("/a/./b//c/.."), "/a/b");
  EXPECT_EQ(clean_path("/../../x"), "/x");
  EXPECT_EQ(clean_path("../x"), "../x");
  EXPECT_EQ(clean_path("a/.."), ".");
  EXPECT_EQ(clean_path("/"), "/");
}

TEST(TextTest, ReadsBase64) {
  EXPECT_EQ(from_base64(""), "");
  EXPECT_EQ(from_base64("YQ=="), "a");
  EXPECT_EQ(from_base64("YWI="), "ab");
  EXPECT_EQ(from_base64("YWI"), "ab");
  EXPECT_EQ(from_base64("YWJj/+8A"), std::string("abc\xff\xef\0", 6));
  for (const auto* const text : {"A", "YQ==x", "YW J", "====", "Y-8="}) EXPECT_FALSE(from_base64(text)) << text;
}

TEST(TextTest, TrimsJoinsAndLowers) {
  EXPECT_EQ(trim(" a b \n"), "a b");
  EXPECT_EQ(join({"a", "b"}, ", "), "a, b");
  EXPECT_EQ(lower("SigKill"), "sigkill");
}

}  // namespace
}  // namespace agentsafe::text
