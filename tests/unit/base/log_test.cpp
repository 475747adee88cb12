#include "runtime/base/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <ctime>

namespace agentsafe {
namespace {

std::string content_of(int fd) {
  char buffer[4096];
  const ssize_t n = ::pread(fd, buffer, sizeof buffer, 0);
  return {buffer, static_cast<std::size_t>(n)};
}

TEST(LogTest, WritesLogrusText) {
  EXPECT_EQ(format_log_line(Log::Format::text, Log::Level::error, "it \"failed\"", "2026-11-21T02:20:50Z"),
            "time=\"2026-11-21T02:20:50Z\" level=error msg=\"it \\\"failed\\\"\"\n");
}

TEST(LogTest, WritesLogrusJson) {
  EXPECT_EQ(format_log_line(Log::Format::json, Log::Level::warning, "a\nb", "2026-11-21T02:20:50Z"),
            "{\"level\":\"warning\",\"msg\":\"a\\nb\",\"time\":\"2026-11-21T02:20:50Z\"}\n");
}

TEST(LogTest, SaysWhereDebugLinesComeFrom) {
  const Log::Caller caller{"create", "../runtime/container/create.cpp", 12};
  EXPECT_EQ(format_log_line(Log::Format::text, Log::Level::debug, "m", "T", &caller),
            "time=\"T\" level=debug msg=\"m\" func=create file=\"runtime/container/create.cpp:12\"\n");
  EXPECT_EQ(format_log_line(Log::Format::json, Log::Level::debug, "m", "T", &caller),
            "{\"file\":\"runtime/container/create.cpp:12\",\"func\":\"create\",\"level\":\"debug\",\"msg\":\"m\",\"time\":\"T\"}\n");
}

TEST(LogTest, WritesSyslogAndJournalMessages) {
  EXPECT_EQ(format_log_line(Log::Format::syslog, Log::Level::error, "a\nb", "web"), "<27>web: a\\nb");
  EXPECT_EQ(format_log_line(Log::Format::journald, Log::Level::warning, "a\nb", "web"),
            "PRIORITY=4\nSYSLOG_IDENTIFIER=web\nMESSAGE=a\\nb\n");
}

TEST(LogTest, LeavesExactlyOneLineWhenAVerbFails) {
  const int fd = ::memfd_create("log", 0);
  Log log(UniqueFd(::dup(fd)), Log::Format::json, false);
  log.warning("dropped");
  log.error("the reason");
  const std::string text = content_of(fd);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_NE(text.find("the reason"), std::string::npos);
  ::close(fd);
}

TEST(LogTest, WritesKeptWarningsAtTheEnd) {
  const int fd = ::memfd_create("log", 0);
  Log log(UniqueFd(::dup(fd)), Log::Format::text, false);
  log.warning("careful");
  EXPECT_EQ(content_of(fd), "");
  log.flush();
  EXPECT_NE(content_of(fd).find("level=warning msg=\"careful\""), std::string::npos);
  ::close(fd);
}

TEST(LogTest, KeepsDebugLinesForDebug) {
  const int fd = ::memfd_create("log", 0);
  Log quiet(UniqueFd(::dup(fd)), Log::Format::text, false);
  quiet.debug("x");
  EXPECT_EQ(content_of(fd), "");
  Log loud(UniqueFd(::dup(fd)), Log::Format::text, true);
  loud.debug("x");
  EXPECT_NE(content_of(fd).find("level=debug"), std::string::npos);
  ::close(fd);
}

TEST(LogTest, TellsTheTimeAsTheCLibraryDoes) {
  std::string before, now, after;
  const auto from_c = [] {
    timespec exact{};  // std::time() may be a tick behind, and so in the second before
    ::clock_gettime(CLOCK_REALTIME, &exact);
    char date[32];
    std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&exact.tv_sec));
    return std::string(date);
  };
  before = from_c(), now = rfc3339_now(), after = from_c();
  EXPECT_TRUE(now == before || now == after) << now << " is not " << before;
}

TEST(LogTest, TimesAreRfc3339) {
  const std::string now = rfc3339_now();
  EXPECT_EQ(now.size(), std::string("2026-11-21T02:20:50Z").size());
  EXPECT_EQ(now.back(), 'Z');
  EXPECT_GE(rfc3339_now(true).size(), now.size());
}

}  // namespace
}  // namespace agentsafe
