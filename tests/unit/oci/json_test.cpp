#include "oci/json.h"

#include <gtest/gtest.h>

#include "tests/unit/error_of.h"

namespace agentsafe::json_test {

struct Inner {
  std::string name;
  std::int8_t small = 0;
};
struct Outer {
  bool flag = false;
  json::Decimal ratio;
  std::uint64_t large = 0;
  std::int32_t number = 0;
  std::string text;
  std::optional<std::uint32_t> maybe;
  std::optional<std::vector<std::string>> list;
  std::vector<Inner> inners;
  std::map<std::string, Inner> named;
};

}  // namespace agentsafe::json_test

namespace agentsafe::json {
using json_test::Inner;
using json_test::Outer;

template <>
inline constexpr auto fields<Inner> = std::tuple{required("name", &Inner::name), optional("small", &Inner::small)};
template <>
inline constexpr auto fields<Outer> = std::tuple{
    optional("flag", &Outer::flag),     optional("ratio", &Outer::ratio),   required("large", &Outer::large),
    optional("number", &Outer::number), optional("text", &Outer::text),     optional("maybe", &Outer::maybe),
    optional("list", &Outer::list),     required("inners", &Outer::inners), optional("named", &Outer::named)};

namespace {

std::string refusal(const std::string& text) {
  return agentsafe::error_of([&] { (void)read<Outer>(text); });
}

TEST(JsonTest, ReadsEveryKindOfField) {
  const auto outer = read<Outer>(
      R"({"named": {"k": {"name": "n"}}, "inners": [{"name": "a", "small": -128}, {"name": "b"}], "list": [],
          "maybe": 0, "text": "t", "number": -2147483648, "large": 18446744073709551615, "ratio": 2.5e-1, "flag": true,
          "unknown": {"x": [1]}})");
  EXPECT_TRUE(outer.flag);
  EXPECT_EQ(outer.ratio.digits, "2.5e-1");
  EXPECT_EQ(outer.large, UINT64_MAX);
  EXPECT_EQ(outer.number, INT32_MIN);
  EXPECT_EQ(outer.text, "t");
  EXPECT_EQ(outer.maybe, 0U);
  ASSERT_TRUE(outer.list.has_value());
  EXPECT_TRUE(outer.list->empty());
  ASSERT_EQ(outer.inners.size(), 2U);
  EXPECT_EQ(outer.inners[0].small, -128);
  EXPECT_EQ(outer.inners[1].name, "b");
  EXPECT_EQ(outer.named.at("k").name, "n");
}

TEST(JsonTest, TakesNullForAbsent) {
  const auto outer = read<Outer>(R"({"large": 1, "inners": [], "maybe": null, "list": null, "text": null})");
  EXPECT_FALSE(outer.maybe.has_value());
  EXPECT_FALSE(outer.list.has_value());
  EXPECT_EQ(refusal(R"({"large": null, "inners": []})"), "large: is missing");
}

TEST(JsonTest, ListsAllViolationsWithTheirPaths) {
  EXPECT_EQ(refusal(R"({"flag": 1, "ratio": "x", "number": "1", "text": 5, "list": {}, "inners": [{"small": 128}, 3],
                        "named": {"a b": {"name": []}, "c": 1}})"),
            "flag: expected true or false; ratio: expected a number; large: is missing; number: expected an integer; "
            "text: expected a string; list: expected an array; inners: 0: name: is missing; "
            "inners: 0: small: 128 is not an integer from -128 to 127; inners: 1: expected an object; "
            "named: a b: name: expected a string; named: c: expected an object");
  EXPECT_EQ(refusal("[]"), "expected an object");
  EXPECT_EQ(refusal(R"({"large": 1, "inners": [], "named": []})"), "named: expected an object");
}

TEST(JsonTest, NeverTakesAFractionOrAnOverflowForAnInteger) {
  for (const char* number : {"1.0", "1e2", "-1", "18446744073709551616", "1.5"})
    EXPECT_EQ(refusal("{\"inners\": [], \"large\": " + std::string(number) + "}"),
              "large: " + std::string(number) + " is not an integer from 0 to 18446744073709551615");
  EXPECT_EQ(refusal(R"({"inners": [], "large": 1, "ratio": "1"})"), "ratio: expected a number");
}

TEST(JsonTest, KeepsTheListOfViolationsShort) {
  std::string items = "1";
  for (int i = 0; i < 149; ++i) items += ",1";
  const std::string message = refusal("{\"large\": 1, \"inners\": [" + items + "]}");
  EXPECT_TRUE(message.ends_with("inners: 99: expected an object; and 50 more"));
  EXPECT_LT(refusal("{\"inners\": [], \"large\": " + std::string(5000, '9') + "}").size(), 200U);
}

TEST(JsonTest, EscapesControlCharactersOfPathsInErrors) {
  EXPECT_EQ(refusal("{\"large\": 1, \"inners\": [], \"named\": {\"a\\u001b\": 1}}"),
            "named: a\\x1b: expected an object");
}

TEST(JsonTest, WritesInTableOrderAndLeavesOutWhatIsEmpty) {
  Outer outer;
  EXPECT_EQ(write(outer), R"({"ratio":0,"large":0,"number":0,"inners":[]})");
  outer.flag = true;
  outer.ratio = {"0.5"};
  outer.text = "a/\"b\"\n";
  outer.maybe = 7;
  outer.list.emplace();
  outer.inners = {{"n", -1}};
  outer.named["k"] = {"v", 0};
  EXPECT_EQ(write(outer), R"({"flag":true,"ratio":0.5,"large":0,"number":0,"text":"a/\"b\"\n","maybe":7,"list":[],)"
                          R"("inners":[{"name":"n","small":-1}],"named":{"k":{"name":"v","small":0}}})");
}

TEST(JsonTest, IndentsForPeople) { EXPECT_EQ(write(Inner{"n", 1}, 2), "{\n  \"name\": \"n\",\n  \"small\": 1\n}\n"); }

TEST(JsonTest, IndentsWhatIsNestedAndKeepsWhatIsEmptyOnOneLine) {
  Outer outer;
  outer.inners = {{"a", 0}, {"b", 0}};
  outer.list.emplace();
  EXPECT_EQ(
      write(outer, 1),
      "{\n \"ratio\": 0,\n \"large\": 0,\n \"number\": 0,\n \"list\": [],\n \"inners\": [\n  {\n   \"name\": \"a\",\n"
      "   \"small\": 0\n  },\n  {\n   \"name\": \"b\",\n   \"small\": 0\n  }\n ]\n}\n");
}

TEST(JsonTest, WritesAnEmptyOptionalInAListAsNull) {
  EXPECT_EQ(write(std::vector<std::optional<bool>>{std::nullopt, true}), "[null,true]");
}

TEST(JsonTest, ReadsWhatItWrote) {
  Outer outer;
  outer.ratio = {"0.333"};
  outer.large = UINT64_MAX;
  outer.text = "\xc3\xa9\x01\x7f\\";
  outer.named["\xf0\x9f\x98\x80"] = {"", 0};
  const auto again = read<Outer>(write(outer));
  EXPECT_EQ(again.ratio, outer.ratio);
  EXPECT_EQ(again.large, outer.large);
  EXPECT_EQ(again.text, outer.text);
  EXPECT_EQ(again.named.count("\xf0\x9f\x98\x80"), 1U);
}

TEST(JsonTest, RefusesToWriteWhatJsonCannotHold) {
  EXPECT_EQ(agentsafe::error_of([] { (void)write(Inner{"a\xff", 0}); }), "write JSON: \"a\xff\" is not UTF-8");
}

}  // namespace
}  // namespace agentsafe::json
