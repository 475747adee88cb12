#include "runtime/cli/arguments.h"

#include <gtest/gtest.h>

namespace agentsafe::cli {
namespace {

constexpr Option options[] = {
    {"bundle", 'b', "DIR", "the bundle"},           {"detach", 'd', "", "do not wait"},
    {"env", 'e', "NAME=VALUE", "a variable", true}, {"format", 'f', "table|json", "how to print"},
    {"no-subreaper", 0, "", "no orphans"},          {"cpu-quota", 0, "N", "microseconds"},
};
using Words = std::vector<std::string>;

Arguments parsed(Words words, Order order = Order::mixed) { return parse(std::move(words), options, order); }

std::string problem(Words words) {
  try {
    parsed(std::move(words));
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(ArgumentsTest, TakesValuesInTheirOwnWordAndAfterAnEqualsSign) {
  EXPECT_EQ(parsed({"--bundle", "/b"}).text("bundle"), "/b");
  EXPECT_EQ(parsed({"--bundle=/b=c"}).text("bundle"), "/b=c");
  EXPECT_EQ(parsed({"-b", "/b"}).text("bundle"), "/b");
  EXPECT_EQ(parsed({"-b=/b"}).text("bundle"), "/b");
}

TEST(ArgumentsTest, TakesOneDashBeforeALongName) {
  EXPECT_TRUE(parsed({"-no-subreaper"}).on("no-subreaper"));
  EXPECT_EQ(parsed({"-bundle", "/b"}).text("bundle"), "/b");
}

TEST(ArgumentsTest, TakesAnyWordAsAValue) {
  EXPECT_EQ(parsed({"--cpu-quota", "-1"}).number<std::int64_t>("cpu-quota"), -1);
  EXPECT_EQ(parsed({"--bundle", "-"}).text("bundle"), "-");
  EXPECT_EQ(parsed({"--bundle", ""}).text("bundle", "."), "");
  EXPECT_EQ(parsed({"--bundle="}).text("bundle", "."), "");
  EXPECT_EQ(parsed({"--bundle", "--detach"}).text("bundle"), "--detach");
  EXPECT_EQ(parsed({"--bundle", "--"}).text("bundle"), "--");
}

TEST(ArgumentsTest, ReadsSwitchesAsGoDoes) {
  EXPECT_TRUE(parsed({"--detach"}).on("detach"));
  EXPECT_TRUE(parsed({"--detach=true"}).on("detach"));
  EXPECT_TRUE(parsed({"-d=1"}).on("detach"));
  EXPECT_FALSE(parsed({"--detach=false"}).on("detach"));
  EXPECT_FALSE(parsed({}).on("detach"));
  EXPECT_EQ(parsed({"--detach", "false"}).positional(), Words{"false"});
  EXPECT_EQ(problem({"--detach=maybe"}), "invalid value \"maybe\" for --detach: expected true or false");
}

TEST(ArgumentsTest, KeepsTheLastOfSeveralAndAllOfWhatRepeats) {
  EXPECT_EQ(parsed({"--bundle", "/a", "-b", "/b"}).text("bundle"), "/b");
  EXPECT_FALSE(parsed({"--detach", "--detach=false"}).on("detach"));
  EXPECT_EQ(parsed({"-e", "A=1", "--env", "B=2", "-e="}).list("env"), (Words{"A=1", "B=2", ""}));
  EXPECT_EQ(parsed({}).list("env"), Words{});
}

TEST(ArgumentsTest, GuessesNothingFromPrefixes) {
  EXPECT_EQ(problem({"--bund", "/b"}), "flag provided but not defined: -bund");
  EXPECT_EQ(problem({"-x"}), "flag provided but not defined: -x");
  EXPECT_EQ(problem({"-de"}), "flag provided but not defined: -de");
  EXPECT_EQ(problem({"---bundle"}), "bad flag syntax: ---bundle");
  EXPECT_EQ(problem({"--=x"}), "bad flag syntax: --=x");
}

TEST(ArgumentsTest, NamesTheOptionThatLacksItsValue) {
  EXPECT_EQ(problem({"--bundle"}), "flag needs an argument: --bundle");
  EXPECT_EQ(problem({"-b"}), "flag needs an argument: -b");
}

TEST(ArgumentsTest, RefusesWhatIsNoneOfTheChoices) {
  EXPECT_EQ(parsed({"-f", "json"}).text("format"), "json");
  EXPECT_EQ(problem({"-f", "xml"}), "invalid value \"xml\" for --format: expected table|json");
}

TEST(ArgumentsTest, RefusesWhatIsNoNumber) {
  EXPECT_THROW((void)parsed({"--cpu-quota", "many"}).number<int>("cpu-quota"), UsageError);
  EXPECT_THROW((void)parsed({"--cpu-quota", "-1"}).number<unsigned>("cpu-quota"), UsageError);
  EXPECT_EQ(parsed({}).number<int>("cpu-quota"), std::nullopt);
  EXPECT_EQ(parsed({"--cpu-quota="}).number<int>("cpu-quota"), std::nullopt);
}

TEST(ArgumentsTest, MixesOptionsAndArgumentsUnlessOptionsComeFirst) {
  const Arguments mixed = parsed({"web", "--detach", "more"});
  EXPECT_TRUE(mixed.on("detach"));
  EXPECT_EQ(mixed.positional(), (Words{"web", "more"}));
  const Arguments ordered = parsed({"-d", "web", "ls", "-b", "--", "--help"}, Order::options_first);
  EXPECT_TRUE(ordered.on("detach"));
  EXPECT_EQ(ordered.positional(), (Words{"web", "ls", "-b", "--", "--help"}));
}

TEST(ArgumentsTest, EndsTheOptionsAtTwoDashes) {
  EXPECT_EQ(parsed({"--", "--detach", "-"}).positional(), (Words{"--detach", "-"}));
  EXPECT_EQ(parsed({"web", "--", "-d", "--"}).positional(), (Words{"web", "-d", "--"}));
  EXPECT_EQ(parsed({"--", "web", "--", "x"}, Order::options_first).positional(), (Words{"web", "--", "x"}));
}

TEST(ArgumentsTest, TakesASingleDashAndEmptyWordsAsArguments) {
  EXPECT_EQ(parsed({"-", "", "x"}).positional(), (Words{"-", "", "x"}));
}

TEST(ArgumentsTest, EndsAtHelp) {
  EXPECT_TRUE(parsed({"--help", "--unknown"}).on("help"));
  EXPECT_TRUE(parsed({"web", "-h"}).on("help"));
  EXPECT_EQ(problem({"--unknown", "--help"}), "flag provided but not defined: -unknown");
}

}  // namespace
}  // namespace agentsafe::cli
