#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "oci/spec_json.h"
#include "runtime/cli/default_spec.h"
#include "tests/unit/cli/fake_container.h"

namespace agentsafe::cli {
namespace {

std::vector<std::string> namespace_types(const oci::Spec& spec) {
  std::vector<std::string> types;
  for (const auto& one : spec.linux->namespaces) types.push_back(one.type);
  return types;
}

TEST(DefaultSpecTest, RunsAShellWithFewRights) {
  const oci::Spec spec = default_spec(false);
  EXPECT_EQ(spec.process->args, std::vector<std::string>{"sh"});
  EXPECT_TRUE(spec.process->terminal);
  EXPECT_TRUE(spec.process->noNewPrivileges);
  EXPECT_TRUE(spec.root->readonly);
  EXPECT_EQ(spec.process->capabilities->bounding.size(), 3U);
  EXPECT_TRUE(spec.process->capabilities->inheritable.empty()) << "CVE-2022-29162";
  EXPECT_EQ(namespace_types(spec), (std::vector<std::string>{"pid", "network", "ipc", "uts", "mount"}));
  EXPECT_EQ(namespace_types(default_spec(true)).back(), "cgroup");
  EXPECT_FALSE(spec.linux->resources->devices.at(0).allow);
}

TEST(DefaultSpecTest, MapsOnlyTheUserWhenRootless) {
  const oci::Spec spec = rootless_spec(1000, 100, false);
  EXPECT_EQ(namespace_types(spec), (std::vector<std::string>{"pid", "ipc", "uts", "mount", "user"}));
  EXPECT_EQ(spec.linux->uidMappings.at(0).hostID, 1000U);
  EXPECT_EQ(spec.linux->gidMappings.at(0).hostID, 100U);
  EXPECT_EQ(spec.linux->gidMappings.at(0).size, 1U);
  EXPECT_FALSE(spec.linux->resources.has_value());
  for (const auto& mount : spec.mounts) {
    EXPECT_EQ(std::count(mount.options.begin(), mount.options.end(), "gid=5"), 0);
    EXPECT_TRUE(mount.destination != "/sys" || mount.options.front() == "rbind");
  }
}

class SpecTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(::mkdtemp(folder_), nullptr); }
  void TearDown() override {
    ::unlink(file().c_str());
    ::rmdir(folder_);
  }
  [[nodiscard]] std::string folder() const { return folder_; }
  [[nodiscard]] std::string file() const { return folder() + "/config.json"; }
  [[nodiscard]] std::string written() const {
    std::ifstream stream(file());
    return {std::istreambuf_iterator<char>(stream), {}};
  }

 private:
  char folder_[32] = "/tmp/agentsafe-test-XXXXXX";
};

TEST_F(SpecTest, WritesAFileThatReadsBack) {
  const Outcome outcome = run({"spec", "--bundle", folder()});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_TRUE(written().starts_with("{\n\t\"ociVersion\": \"1.3.0\",\n"));
  const oci::Spec spec = oci::read_spec(written());
  EXPECT_EQ(spec.root->path, "rootfs");
  EXPECT_EQ(spec.mounts.size(), 7U);
  EXPECT_EQ(spec.process->rlimits.at(0).soft, 1024U);
}

TEST_F(SpecTest, WritesOneForUsersWhoAreNotRoot) {
  ASSERT_EQ(run({"spec", "-b", folder(), "--rootless"}).status, 0);
  EXPECT_EQ(oci::read_spec(written()).linux->uidMappings.at(0).hostID, ::geteuid());
}

TEST_F(SpecTest, ReplacesNothing) {
  std::ofstream(file()) << "mine";
  const Outcome outcome = run({"spec", "--bundle", folder()});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.err.find("File config.json exists. Remove it first"), std::string::npos);
  EXPECT_EQ(written(), "mine");
}

TEST_F(SpecTest, NamesTheFolderThatIsMissing) {
  EXPECT_NE(run({"spec", "-b", folder() + "/none"}).err.find("/none: no such file or directory"), std::string::npos);
}

}  // namespace
}  // namespace agentsafe::cli
