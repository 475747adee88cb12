#include "runtime/container/signal_name.h"

#include <gtest/gtest.h>

#include <csignal>

#include "runtime/base/error.h"

namespace agentsafe::container {
namespace {

TEST(SignalNameTest, ReadsNumbers) {
  EXPECT_EQ(signal_number("9"), 9);
  EXPECT_EQ(signal_number("0"), 0);
  EXPECT_EQ(signal_number("64"), 64);
}

TEST(SignalNameTest, ReadsNamesInAnyCaseWithAndWithoutSig) {
  for (const auto name : {"TERM", "SIGTERM", "term", "sigterm", "SigTerm"})
    EXPECT_EQ(signal_number(name), SIGTERM) << name;
  EXPECT_EQ(signal_number("USR1"), SIGUSR1);
  EXPECT_EQ(signal_number("winch"), SIGWINCH);
  EXPECT_EQ(signal_number("IOT"), SIGABRT);
}

TEST(SignalNameTest, CountsRealTimeSignalsFromEitherEnd) {
  EXPECT_EQ(signal_number("RTMIN"), SIGRTMIN);
  EXPECT_EQ(signal_number("SIGRTMIN+3"), SIGRTMIN + 3);
  EXPECT_EQ(signal_number("rtmax-1"), SIGRTMAX - 1);
}

TEST(SignalNameTest, RefusesEverythingElse) {
  for (const auto name : {"", "SIG", "65", "-9", "NOSUCH", "TERM ", "RTMIN-1", "RTMIN+99", "RTMAX+1", "RTMIN+", "9x"})
    EXPECT_THROW((void)signal_number(name), Error) << name;
  try {
    (void)signal_number("NO\nSUCH");
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "unknown signal \"NO\\nSUCH\"");
  }
}

}  // namespace
}  // namespace agentsafe::container
