#include "runtime/base/expression.h"

#include <gtest/gtest.h>
#include <regex.h>

#include <random>
#include <string>

#include "runtime/base/error.h"

namespace agentsafe {
namespace {

// 1: found, 0: not found, -1: refused.
int ours(const std::string& expression, const std::string& text) {
  try {
    return Expression(expression).found_in(text) ? 1 : 0;
  } catch (const Error&) {
    return -1;
  }
}
int of_the_c_library(const std::string& expression, const std::string& text) {
  regex_t compiled;
  if (::regcomp(&compiled, expression.c_str(), REG_EXTENDED | REG_NOSUB) != 0) return -1;
  const int found = ::regexec(&compiled, text.c_str(), 0, nullptr, 0) == 0 ? 1 : 0;
  ::regfree(&compiled);
  return found;
}

TEST(ExpressionTest, FindsWhatTheCLibraryFinds) {
  const char* const expressions[] = {
      "",       "a",    "^a$",   "a|b",  "(ab)+c",  "a{2}", "a{1,2}b",   "^a{2,}$",     "[a-c]x?",
      "[^a]",   "[]a]", "[^]a]", "[a-]", "a.c",     "\\.",  "^(a|bc)*$", "[[:digit:]]", "[[:alpha:]_]+$",
      "(a*)*b", "^$",   "x*",    "a+b?", "(^a|b$)", "a||b", "()",        "[0-9]{3}-",   "web-[0-9]+$"};
  const char* const texts[] = {"",  "a", "b", "aa",    "ab",    "abc",    "aab",  "aaa", "a.c",   "axc", "x",
                               "]", "-", "_", "bcbca", "123-x", "web-12", "web-", "cab", "ababc", "A",   "0"};
  for (const char* expression : expressions)
    for (const char* text : texts)
      EXPECT_EQ(ours(expression, text), of_the_c_library(expression, text)) << expression << " in " << text;
}

TEST(ExpressionTest, AgreesWithTheCLibraryOnRandomOnes) {
  std::mt19937 random(1);
  const auto pick = [&](const std::string& characters, std::size_t most) {
    std::string text;
    for (std::size_t i = random() % (most + 1); i > 0; --i) text += characters[random() % characters.size()];
    return text;
  };
  for (int i = 0; i < 20'000; ++i) {
    const std::string expression = pick("aab.()|?+[]^$", 7);
    const std::string text = pick("ab.", 6);
    const int expected = of_the_c_library(expression, text);
    if (expected < 0 || ours(expression, text) < 0) continue;  // they refuse a little differently
    EXPECT_EQ(ours(expression, text), expected) << expression << " in " << text;
  }
}

TEST(ExpressionTest, RefusesWhatIsNoExpression) {
  for (const char* bad :
       {"(", ")", "[", "[a", "a{", "a{2", "a{3,2}", "a{999}", "*", "a|*", "\\", "[b-a]", "[[:none:]]", "[[.a.]]"})
    EXPECT_EQ(ours(bad, "a"), -1) << bad;
}

TEST(ExpressionTest, RefusesWhatWouldGrowWithoutEnd) {
  EXPECT_EQ(ours("((a{255}){255}){255}", "a"), -1);
  EXPECT_EQ(ours(std::string(200, '(') + std::string(200, ')'), "a"), -1);
}

TEST(ExpressionTest, TakesTimeLinearInTheText) {
  EXPECT_EQ(ours("^(a?){60}a{60}$", std::string(60, 'a')), 1);
  EXPECT_EQ(ours("^(a*)*b$", std::string(2000, 'a')), 0);
}

}  // namespace
}  // namespace agentsafe
