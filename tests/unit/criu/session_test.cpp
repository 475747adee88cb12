// The conversation with criu; a shell script plays its part.
#include "runtime/criu/session.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "runtime/base/error.h"

namespace agentsafe::criu {
namespace {

class SessionTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/criu-test-XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string program(const std::string& text) {
    const std::string path = folder_ + "/criu";
    std::ofstream(path) << "#!/bin/sh\n" << text << '\n';
    ::chmod(path.c_str(), 0755);
    return path;
  }
  std::string folder_;
};

// printf(1) makes one write, which is one packet; the request is read by dd.
constexpr const char* take = "dd bs=4096 count=1 of=/dev/null status=none <&$2";

std::string message(const Error& error) { return error.what(); }

TEST_F(SessionTest, AnswersNotificationsUntilTheAnswerComes) {
  const auto path = program(std::string(take) + "\nprintf '\\010\\006\\020\\001\\052\\003\\012\\001x' >&$2\n" + take +
                            "\nprintf '\\010\\001\\020\\001' >&$2");
  std::string heard;
  const auto answer =
      Session(path, {.path = "/usr/bin:/bin"}).request(encode_request(Request::dump), [&](const Answer& said, auto&) {
        heard += said.script;
      });
  EXPECT_TRUE(answer.success);
  EXPECT_EQ(heard, "x");
}

TEST_F(SessionTest, TellsCriuToGiveUpAndThrowsTheReason) {
  // after a notification that is refused (notify_success is 0) criu fails
  const auto path =
      program(std::string(take) + "\nprintf '\\010\\006\\020\\001\\052\\003\\012\\001x' >&$2\n" +
              "[ \"$(dd bs=4096 count=1 status=none <&$2 | od -An -tx1)\" = ' 08 06 18 00' ] || exit 1\n" +
              "printf '\\010\\001\\020\\000' >&$2");
  try {
    Session(path, {.path = "/usr/bin:/bin"}).request(encode_request(Request::restore), [](const Answer&, auto&) {
      fail("no way");
    });
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(message(error), "no way");
  }
}

TEST_F(SessionTest, SaysWhenCriuEndsWithoutAnAnswer) {
  const auto path = program(std::string(take) + "\nexit 3");
  try {
    Session(path, {.path = "/usr/bin:/bin"}).request(encode_request(Request::dump));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(message(error), "criu ended with status 3 without an answer");
  }
}

TEST_F(SessionTest, SaysWhyCriuCannotBeExecuted) { EXPECT_THROW(Session(folder_ + "/missing", {}), Error); }

TEST_F(SessionTest, FindsCriuInAbsoluteFoldersOfThePath) {
  const auto path = program("exit 0");
  EXPECT_EQ(find_criu("/nowhere:" + folder_), path);
  try {
    (void)find_criu("/nowhere:.");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(message(error).find("install the package criu"), std::string::npos);
  }
}

TEST(CriuLogTest, QuotesTheLastErrors) {
  EXPECT_EQ(
      errors_in(
          "(00.1) pie: fine\n(00.2) Error (criu/a.c:1): a\n(00.3) Error (criu/b.c:2): b: No such file or directory\n"),
      "a; b: missing (ENOENT)");
  EXPECT_EQ(errors_in("(0) Error (c:1): 1\n(0) Error (c:1): 2\n(0)  7: Error (c:1): 3\n(0) Error (c:1): 4\n"),
            "2; 3; 4");
  EXPECT_EQ(errors_in("(00.1) Warn (c:1): w\n"), "");
}

}  // namespace
}  // namespace agentsafe::criu
