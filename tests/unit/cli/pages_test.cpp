// What is made from the command table: help, man pages, completion.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "runtime/cli/completion.h"
#include "runtime/cli/man.h"
#include "runtime/cli/usage.h"

namespace agentsafe::cli {
namespace {

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST(CommandTableTest, NamesNothingTwice) {
  std::set<std::string_view> names;
  for (const Command& command : commands()) {
    EXPECT_TRUE(names.insert(command.name).second) << command.name;
    std::set<std::string> options;
    for (const Option& option : command.options) {
      EXPECT_TRUE(options.insert(std::string(option.name)).second) << command.name << option.name;
      if (option.letter == 0) continue;
      EXPECT_TRUE(options.insert(std::string(1, option.letter)).second) << command.name << option.letter;
    }
  }
}

TEST(CommandTableTest, EveryCommandRunsAndIsExplained) {
  for (const Command& command : commands()) {
    EXPECT_EQ(find_command(command.name), &command);
    EXPECT_NE(command.run, nullptr) << command.name;
    EXPECT_FALSE(command.description.empty()) << command.name;
  }
  EXPECT_EQ(find_command("creat"), nullptr);
}

TEST(UsageTest, ExplainsEveryOptionThatIsNotHidden) {
  for (const Command& command : commands()) {
    const std::string usage = command_usage(command);
    for (const Option& option : command.options)
      EXPECT_EQ(contains(usage, option_term(option)), !option.hidden) << option.name;
  }
  for (const Command& command : commands()) EXPECT_TRUE(contains(program_usage(), command.summary));
}

TEST(UsageTest, KeepsItsLinesShort) {
  for (const Command& command : commands()) {
    const std::string usage = command_usage(command);
    std::size_t begin = 0;
    for (auto end = usage.find('\n'); end != std::string::npos; begin = end + 1, end = usage.find('\n', begin))
      EXPECT_LE(end - begin, 120U) << usage.substr(begin, end - begin);
  }
}

TEST(UsageTest, WritesTerms) {
  EXPECT_EQ(option_term({"bundle", 'b', "DIR", ""}), "-b, --bundle=DIR");
  EXPECT_EQ(option_term({"debug", 0, "", ""}), "--debug");
  EXPECT_EQ(synopsis(*find_command("kill")), "agentsafe [OPTION...] kill [OPTION...] CONTAINER-ID [SIGNAL]");
}

TEST(ManTest, HasAPageForEveryCommand) {
  EXPECT_TRUE(program_man_page().starts_with(".TH AGENTSAFE 8"));
  for (const Command& command : commands()) {
    EXPECT_TRUE(contains(program_man_page(), "agentsafe\\-" + std::string(command.name)));
    const std::string page = command_man_page(command);
    EXPECT_TRUE(contains(page, ".SH SYNOPSIS\nagentsafe [OPTION...] " + std::string(command.name)));
    EXPECT_FALSE(contains(page, "--")) << "a bare hyphen may be broken or become a dash";
  }
}

TEST(CompletionTest, OffersCommandsOptionsAndChoices) {
  for (const std::string& text : {bash_completion(), zsh_completion(), fish_completion()}) {
    for (const Command& command : commands())
      EXPECT_TRUE(contains(text, command.name)) << command.name;
    EXPECT_TRUE(contains(text, "no-new-keyring"));
    EXPECT_TRUE(contains(text, "table json"));
    EXPECT_FALSE(contains(text, "kernel-memory")) << "hidden";
  }
}

}  // namespace
}  // namespace agentsafe::cli
