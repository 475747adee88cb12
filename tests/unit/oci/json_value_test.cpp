#include "oci/json_value.h"

#include <gtest/gtest.h>

#include "oci/unicode.h"
#include "tests/unit/error_of.h"

namespace agentsafe::json {
namespace {

using Kind = Value::Kind;

std::string refusal(const std::string& text) {
  return agentsafe::error_of([&] { (void)parse(text); });
}
bool refuses(const std::string& text) { return refusal(text).starts_with("line "); }
std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(JsonValueTest, KeepsTheOrderAndTheNestingOfValues) {
  const std::string text = R"({"a": [1, [true, {}], "x"], "b": null})";
  const Document document = parse(text);
  const Value& root = document.root();
  ASSERT_EQ(root.kind, Kind::object);
  EXPECT_EQ(root.count, 2U);
  const Value* const a = root.find("a");
  ASSERT_NE(a, nullptr);
  std::vector<Kind> kinds;
  for (const Value& item : *a) kinds.push_back(item.kind);
  EXPECT_EQ(kinds, (std::vector{Kind::number, Kind::array, Kind::string}));
  EXPECT_EQ(root.find("b")->kind, Kind::null);
  EXPECT_EQ(root.find("c"), nullptr);
}

TEST(JsonValueTest, KeepsNumbersAsTheyAreWritten) {
  const std::string text = "[18446744073709551615, -0, 1.50, 1e2]";
  const Document document = parse(text);
  std::vector<std::string> numbers;
  for (const Value& item : document.root()) numbers.emplace_back(item.text);
  EXPECT_EQ(numbers, (std::vector<std::string>{"18446744073709551615", "-0", "1.50", "1e2"}));
}

TEST(JsonValueTest, TakesOneNumberAsADocument) {
  const std::string text = "17";
  EXPECT_EQ(parse(text).root().text, "17");
}

TEST(JsonValueTest, UnescapesStringsAndNames) {
  const std::string text = R"({"\u0061\n": "\u00e9\ud83d\ude00\/\"\\"})";
  const Document document = parse(text);
  ASSERT_NE(document.root().find("a\n"), nullptr);
  EXPECT_EQ(document.root().find("a\n")->text, "\xc3\xa9\xf0\x9f\x98\x80/\"\\");
}

TEST(JsonValueTest, NamesTheLineAndColumnOfAnError) {
  EXPECT_TRUE(refusal("{\n  \"ociVersion\": \"1.0.2\",\n  \"process\": {,\n}").starts_with("line 3, column 15: "));
  EXPECT_TRUE(refusal("{\"a\": 1 \"b\": 2}").starts_with("line 1, column 10: after key and value"))
      << refusal("{\"a\": 1 \"b\": 2}");
  EXPECT_EQ(refusal("[\n\"a\xff\"]"), "line 2, column 3: invalid UTF-8");
  EXPECT_EQ(refusal("\n\n[\"\\ud800\"]"), "line 3, column 3: half of a surrogate pair");
}

TEST(JsonValueTest, NamesTheEndOfTextThatEndsTooEarly) {
  EXPECT_TRUE(refusal("{\n\"a\": [1,").starts_with("line 2, column 8: ")) << refusal("{\n\"a\": [1,");
  EXPECT_TRUE(refusal("").starts_with("line 1, column 1: ")) << refusal("");
}

TEST(JsonValueTest, RefusesWhatIsNotOneValue) {
  for (const char* text : {"",       " ",       "{",         "}",         "[1,]",    "{\"a\":1,}", "{} {}",
                           "[] x",   "nul",     "'a'",       "{a:1}",     "01",      "+1",         ".5",
                           "1.",     "-",       "NaN",       "\"",        "\"\\x\"", "\"\\u12\"",  "\"\\u12g4\"",
                           "\"\t\"", "// c\n1", "/* c */ 1", "{\"a\" 1}", "{1: 2}",  "[1 2]",      "\xEF\xBB\xBF{}"})
    EXPECT_TRUE(refuses(text)) << text << " → " << refusal(text);
}

TEST(JsonValueTest, RefusesNulCharacters) {
  EXPECT_TRUE(refusal(R"({"a": "b\u0000c"})").ends_with("a string holds a NUL character"));
  EXPECT_TRUE(refusal(R"({"a\u0000": 1})").ends_with("a string holds a NUL character"));
  EXPECT_TRUE(refuses(std::string("\"a\0b\"", 5)));
}

TEST(JsonValueTest, RefusesANameThatStandsTwice) {
  EXPECT_TRUE(refusal("{\"a\": 1,\n\"b\": 2, \"a\": 3}").starts_with("line 2, column 15: the name \"a\" stands twice"));
  EXPECT_TRUE(refuses(R"({"a": 1, "\u0061": 2})"));
  EXPECT_EQ(refusal(R"({"a": {"a": 1}, "b": {"a": 1}})"), "no error");
}

TEST(JsonValueTest, TakesSixtyFourLevelsAndNoMore) {
  EXPECT_EQ(refusal(nested(64)), "no error");
  EXPECT_TRUE(refusal(nested(65)).ends_with("nested deeper than 64 levels"));
  EXPECT_TRUE(refuses(std::string(200000, '[')));
}

TEST(JsonValueTest, LimitsTheSizeAndTheNumberOfValues) {
  constexpr std::size_t limit = 16U << 20;
  EXPECT_EQ(refusal("[" + std::string(limit - 2, ' ') + "]"), "no error");
  EXPECT_EQ(refusal("[" + std::string(limit - 1, ' ') + "]"), "more than 16777216 bytes of JSON");
  std::string many = "[0";
  for (int i = 0; i < 1 << 20; ++i) many += ",0";
  EXPECT_TRUE(refusal(many + "]").ends_with("more than 1048576 values"));
}

TEST(JsonValueTest, FindsARepeatedNameAmongVeryManyInTime) {
  std::string text = "{\"same\": 0";
  for (int i = 0; i < 300000; ++i) text += ",\"n" + std::to_string(i) + "\":0";
  EXPECT_EQ(refusal(text + "}"), "no error");
  EXPECT_TRUE(refuses(text + ",\"same\":0}"));
}

TEST(UnicodeTest, TakesEveryWellFormedCharacter) {
  for (const std::string text :
       {"", "plain text of more than eight bytes", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
        "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"})
    EXPECT_EQ(utf8_prefix(text), text.size()) << text;
}

TEST(UnicodeTest, EndsBeforeWhatIsNoCharacter) {
  for (const std::string wrong : {"\x80", "\xc0\xaf", "\xc1\xbf", "\xc2", "\xc2z", "\xe0\x80\x80", "\xe0\x9f\xbf",
                                  "\xe2\x82", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf",
                                  "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xfe", "\xf0\x9f\x98"})
    EXPECT_EQ(utf8_prefix("12345678ab" + wrong), 10U) << agentsafe::error_of([&] { fail(wrong); });
}

TEST(UnicodeTest, FindsHalvesOfPairsOnly) {
  EXPECT_EQ(lone_surrogate(R"("\ud83d\ude00 \u00e9 \\ud800 \n")"), std::nullopt);
  EXPECT_EQ(lone_surrogate(R"("\ud83d")"), 1U);
  EXPECT_EQ(lone_surrogate(R"("ab\ude00")"), 3U);
  EXPECT_EQ(lone_surrogate(R"("\ud83d\u0041")"), 1U);
  EXPECT_EQ(lone_surrogate(R"("\ud83d\ud83d\ude00")"), 1U);
  EXPECT_EQ(lone_surrogate(R"("\ud83d\u)"), 1U);
  EXPECT_EQ(lone_surrogate("\\"), std::nullopt);
}

}  // namespace
}  // namespace agentsafe::json
