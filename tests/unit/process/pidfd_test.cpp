#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/sys/process.h"

namespace agentsafe::sys {
namespace {

// The number of the session's leader is in use as long as the session is: EINVAL before Linux 6.16. A shared pid
// namespace, whose first process reaps nobody, keeps it so for as long as the pod lives.
TEST(PidfdTest, AProcessWhoseSessionOutlivesItIsGone) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t leader = ::fork();
  if (leader == 0) {
    ::setsid();
    if (::fork() == 0) {
      char byte = 0;
      ::close(ends[1]);
      ::_exit(::read(ends[0], &byte, 1) == 0 ? 0 : 1);
    }
    ::_exit(0);
  }
  ASSERT_EQ(::waitpid(leader, nullptr, 0), leader);
  EXPECT_FALSE(try_pidfd_open(leader));
  EXPECT_THROW((void)pidfd_open(leader), std::exception);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(PidfdTest, ANumberThatNoProcessCanHaveIsAnError) { EXPECT_THROW((void)try_pidfd_open(-1), std::exception); }

}  // namespace
}  // namespace agentsafe::sys
