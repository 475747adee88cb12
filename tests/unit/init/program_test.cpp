#include "runtime/init/program.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "runtime/base/error.h"

namespace agentsafe::init {
namespace {

class ProgramTest : public testing::Test {
 protected:
  ProgramTest() { path_ = ::mkdtemp(template_); }
  ~ProgramTest() override {
    (void)!::chdir("/");
    (void)!std::system(("rm -rf " + path_).c_str());
  }
  std::string make(const std::string& name, mode_t mode) {
    const std::string file = path_ + "/" + name;
    std::ofstream(file) << "#!/bin/sh\n";
    ::chmod(file.c_str(), mode);
    return file;
  }
  static std::string error_of(const std::string& name, const std::vector<std::string>& env) {
    try {
      return "found " + find_program(name, env);
    } catch (const Error& error) {
      return error.what();
    }
  }
  char template_[64] = "/tmp/agentsafe-program-XXXXXX";
  std::string path_;
};

TEST_F(ProgramTest, SearchesThePathOfTheContainer) {
  const std::string tool = make("tool", 0755);
  EXPECT_EQ(find_program("tool", {"PATH=/nonexistent:" + path_}), tool);
}

TEST_F(ProgramTest, NamesWhatIsNotFound) {
  EXPECT_EQ(error_of("nope", {"PATH=" + path_}), "exec: \"nope\": executable file not found in $PATH");
  EXPECT_EQ(error_of("nope", {}), "exec: \"nope\": executable file not found in $PATH");
  EXPECT_EQ(error_of("/nope", {}), "exec: \"/nope\": stat /nope: no such file or directory");
}

TEST_F(ProgramTest, RefusesDirectoriesAndFilesThatCannotBeExecuted) {
  EXPECT_EQ(error_of("/etc", {}), "exec: \"/etc\": is a directory: permission denied");
  const std::string plain = make("plain", 0644);
  EXPECT_EQ(error_of(plain, {}), "exec: \"" + plain + "\": permission denied");
  EXPECT_EQ(error_of("plain", {"PATH=" + path_}), "exec: \"plain\": permission denied");
}

TEST_F(ProgramTest, NeverTakesTheWorkingDirectoryForAPath) {
  make("tool", 0755);
  ASSERT_EQ(::chdir(path_.c_str()), 0);
  EXPECT_EQ(error_of("tool", {"PATH=.::"}), "exec: \"tool\": executable file not found in $PATH");
}

TEST_F(ProgramTest, MakesWorkingDirectories) {
  make_directories(path_ + "/a/b/c");
  EXPECT_TRUE(try_change_directory(path_ + "/a/b/c"));
  verify_working_directory(path_ + "/a/b/c");
  EXPECT_THROW((void)try_change_directory(path_ + "/missing"), Error);
}

TEST(HomeTest, IsFoundByTheNumberNotTheName) {
  const char* passwd = "root:x:0:0:root:/root:/bin/sh\n1000:x:0:0::/evil:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\nbad\n";
  EXPECT_EQ(home_in(passwd, 1000), "/home/user");
  EXPECT_EQ(home_in(passwd, 0), "/root");
  EXPECT_FALSE(home_in(passwd, 5));
  EXPECT_FALSE(home_in("", 0));
}

TEST(EnvironmentTest, VariableNamesAreWhole) {
  const std::vector<std::string> env{"PATHX=1", "PATH=/bin", "EMPTY="};
  EXPECT_EQ(variable(env, "PATH"), "/bin");
  EXPECT_EQ(variable(env, "EMPTY"), "");
  EXPECT_EQ(variable(env, "NONE"), "");
}

}  // namespace
}  // namespace agentsafe::init
