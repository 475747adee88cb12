#include "runtime/base/error.h"

#include <gtest/gtest.h>

namespace agentsafe {
namespace {

template <class F>
std::string message_of(F body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(ErrorTest, ReadsFromTheOutsideIn) {
  const auto failing = [] {
    in_context("mount filesystems", [] { in_context("/proc", [] { fail_errno("fsmount", EINVAL); }); });
  };
  EXPECT_EQ(message_of(failing), "mount filesystems: /proc: fsmount: invalid argument");
}

TEST(ErrorTest, KeepsTheErrnoThroughContexts) {
  try {
    in_context("a", [] { fail_errno("b", EBUSY); });
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.error_number(), EBUSY);
  }
}

TEST(ErrorTest, KeepsTheWordsOfAMissingCommandForTheUsersOwnFiles) {
  EXPECT_EQ(message_of([] { fail_errno("open x", ENOENT); }), "open x: missing (ENOENT)");
  EXPECT_EQ(message_of([] { fail_users_file("stat x", ENOENT); }), "stat x: no such file or directory");
}

TEST(ErrorTest, LowersTheFirstLetterButNotAcronyms) {
  EXPECT_EQ(errno_text(EPERM), "operation not permitted");
  EXPECT_EQ(errno_text(EIO).substr(0, 1), "i");
}

TEST(ErrorTest, AnswersWhatTheBodyAnswers) { EXPECT_EQ(in_context("x", [] { return 7; }), 7); }

}  // namespace
}  // namespace agentsafe
