#include "runtime/container/held_pipes.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "runtime/sys/fd.h"

namespace agentsafe::container {
namespace {

class HeldPipesTest : public ::testing::Test {
 protected:
  HeldPipesTest() {
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    child = ::fork();
    if (child == 0)
      for (;;) ::pause();
  }
  ~HeldPipesTest() override {
    end();
    for (const int fd : ends) ::close(fd);
  }
  void end() {
    if (child <= 0) return;
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    child = -1;
  }
  std::array<int, 2> ends{};
  pid_t child = -1;
};

TEST_F(HeldPipesTest, EachEndIsTold) {
  const auto pipes = held_pipes(child);
  for (const int fd : ends) {
    const auto found = std::find_if(pipes.begin(), pipes.end(), [&](const auto& pipe) { return pipe.fd == fd; });
    ASSERT_NE(found, pipes.end());
    EXPECT_EQ(found->name, sys::readlinkat(sys::at_cwd, "/proc/self/fd/" + std::to_string(fd)));
    EXPECT_EQ(found->reads, fd == ends[0]);
    EXPECT_EQ(found->writes, fd == ends[1]);
  }
}

TEST_F(HeldPipesTest, AProcessThatEndsMeanwhileHoldsNone) {
  const UniqueFd descriptors = sys::openat(sys::at_cwd, "/proc/" + std::to_string(child) + "/fd", O_RDONLY | O_DIRECTORY);
  const pid_t pid = child;
  end();
  EXPECT_TRUE(held_pipes(descriptors).empty());
  EXPECT_TRUE(held_pipes(pid).empty());
}

}  // namespace
}  // namespace agentsafe::container
