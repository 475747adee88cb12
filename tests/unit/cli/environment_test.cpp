#include "runtime/cli/environment.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace agentsafe::cli {
namespace {

TEST(EnvironmentTest, RootKeepsStateBelowRun) {
  EXPECT_EQ(read_environment({.user = "root", .runtime_dir = "/run/user/0"}).state_root, "/run/agentsafe");
  EXPECT_EQ(read_environment({.user = "", .runtime_dir = "/run/user/0"}).state_root, "/run/agentsafe");
  EXPECT_FALSE(read_environment({.user = "root"}).state_root_is_own);
}

TEST(EnvironmentTest, UsersKeepStateInTheirRuntimeFolder) {
  const Environment environment = read_environment({.effective_uid = 1000, .runtime_dir = "/run/user/1000"});
  EXPECT_EQ(environment.state_root, "/run/user/1000/agentsafe");
  EXPECT_TRUE(environment.state_root_is_own);
  EXPECT_EQ(read_environment({.effective_uid = 1000}).state_root, "/run/agentsafe");
}

TEST(EnvironmentTest, RootOfAUserNamespaceIsAGuestUnlessTheUserIsRoot) {
  EXPECT_EQ(read_environment({.in_user_namespace = true, .user = "alice", .runtime_dir = "/r"}).state_root,
            "/r/agentsafe");
  EXPECT_EQ(read_environment({.in_user_namespace = true, .user = "root", .runtime_dir = "/r"}).state_root,
            "/run/agentsafe");
}

TEST(EnvironmentTest, TakesListenFdsOnlyWhenTheyAreMeantForThisProcess) {
  EXPECT_EQ(read_environment({.pid = 7, .listen_pid = "7", .listen_fds = "3"}).listen_fds, 3U);
  EXPECT_EQ(read_environment({.pid = 7, .listen_pid = "8", .listen_fds = "3"}).listen_fds, 0U);
  EXPECT_EQ(read_environment({.pid = 7, .listen_pid = "", .listen_fds = "3"}).listen_fds, 0U);
  EXPECT_EQ(read_environment({.pid = 7, .listen_pid = "7", .listen_fds = "x"}).listen_fds, 0U);
}

TEST(EnvironmentTest, ReadsTheProcessEnvironment) {
  ::setenv("NOTIFY_SOCKET", "/run/notify", 1);
  ::setenv("RUN_OCI_SECCOMP_RECEIVER", "/run/agent", 1);
  const EnvironmentFacts facts = environment_facts();
  ::unsetenv("NOTIFY_SOCKET");
  EXPECT_EQ(facts.notify_socket, "/run/notify");
  EXPECT_EQ(facts.pid, ::getpid());
  EXPECT_EQ(read_environment(facts).notify_socket, "/run/notify");
  EXPECT_EQ(read_environment(facts).seccomp_receiver, "/run/agent");
}

TEST(EnvironmentTest, CountsTheDescriptorsItWasLeft) {
  const unsigned before = environment_facts().inherited_fds;
  const int next = ::open("/dev/null", O_RDONLY);
  EXPECT_EQ(static_cast<unsigned>(next), 3 + before);
  EXPECT_GT(environment_facts().inherited_fds, before);
  ::close(next);
}

TEST(EnvironmentTest, MakesRelativePathsAbsolute) {
  char* const here = ::getcwd(nullptr, 0);
  EXPECT_EQ(absolute_path("x/pid"), std::string(here) + "/x/pid");
  EXPECT_EQ(absolute_path("/x"), "/x");
  std::free(here);
}

TEST(EnvironmentTest, MakesItsOwnStateRootPrivateAndSticky) {
  char folder[] = "/tmp/agentsafe-test-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const Environment environment{.state_root = std::string(folder) + "/agentsafe", .state_root_is_own = true};
  make_own_state_root(environment);
  make_own_state_root(environment);
  struct stat status {};
  ASSERT_EQ(::stat(environment.state_root.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 01700U);
  ::rmdir(environment.state_root.c_str());
  ::rmdir(folder);
}

}  // namespace
}  // namespace agentsafe::cli
