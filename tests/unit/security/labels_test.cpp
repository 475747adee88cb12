// What is written for AppArmor and SELinux, on a tree that stands for /proc. Hosts that test this have no SELinux; the
// attributes are a file of a real procfs that shows what was written to it: the name of a process, bound in their
// place.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "runtime/base/error.h"
#include "runtime/security/apply.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"
#include "tests/unit/error_of.h"

namespace agentsafe::security {
namespace {

namespace fs = std::filesystem;

class LabelsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    ASSERT_NE(::mkdtemp(template_), nullptr);
    fs::create_directories(attributes() / "apparmor");
  }
  void TearDown() override {
    if (::geteuid() == 0) fs::remove_all(template_);
  }
  [[nodiscard]] fs::path attributes() const { return fs::path(template_) / "self/attr"; }
  void put(const std::string& file, const std::string& content) const { std::ofstream(attributes() / file) << content; }

  // What a child says that applied it with `file` on a procfs: what was written there, or the error.
  [[nodiscard]] std::string written_to(const std::string& file, const Confinement& confinement,
                                       void (*apply)(const Confinement&, FdRef) = set_kernel_attributes) const {
    put(file, "");
    auto pipe = sys::pipe();
    const sys::Child child = sys::clone3({.flags = CLONE_NEWNS}, [&] {
      ::prctl(PR_SET_NAME, "nothing");
      if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return 2;
      if (::mount("/proc/thread-self/comm", (attributes() / file).c_str(), nullptr, MS_BIND, nullptr) != 0) return 3;
      const UniqueFd proc = sys::openat(sys::at_cwd, template_, O_PATH | O_DIRECTORY);
      const std::string error = error_of([&] { apply(confinement, proc); });
      char name[16] = {};
      ::prctl(PR_GET_NAME, name);
      sys::write_all(pipe.write_end, error == "no error" ? name : error);
      return 0;
    });
    EXPECT_EQ(sys::wait(child.pidfd).status(), 0);
    pipe.write_end.reset();
    return sys::read_all(pipe.read_end);
  }

 private:
  char template_[64] = "/tmp/agentsafe-labels-XXXXXX";
};

Confinement labelled(const std::string& label) {
  Confinement confinement;
  confinement.selinux_label = label;
  return confinement;
}
Confinement profiled(const std::string& profile) {
  Confinement confinement;
  confinement.apparmor_profile = profile;
  return confinement;
}

TEST_F(LabelsTest, TheSelinuxLabelIsWrittenForTheNextExecve) {
  put("current", "system_u:system_r:container_runtime_t:s0");
  EXPECT_EQ(written_to("exec", labelled("a:b:c_t:s0:c1")), "a:b:c_t:s0:c1");
  EXPECT_EQ(written_to("exec", labelled("")), "nothing");
}

TEST_F(LabelsTest, AnotherLsmIsNotTakenForSelinux) {
  for (const char* current : {"unconfined\n", "docker-default (enforce)\n", ""}) {
    put("current", current);
    const std::string said = written_to("exec", labelled("a:b:c_t:s0"));
    EXPECT_NE(said.find("apply SELinux label a:b:c_t:s0: this host has no SELinux"), std::string::npos) << said;
  }
}

TEST_F(LabelsTest, ALabelIsWrittenToARealProcfsOnly) {  // CVE-2019-16884
  put("current", "system_u:system_r:container_runtime_t:s0");
  const std::string said = written_to("keycreate", labelled("a:b:c_t:s0"));  // exec is missing
  EXPECT_NE(said.find("this host has no SELinux"), std::string::npos) << said;
  put("exec", "");
  const UniqueFd proc =
      sys::openat(sys::at_cwd, attributes().parent_path().parent_path().string(), O_PATH | O_DIRECTORY);
  const std::string error = error_of([&] { set_kernel_attributes(labelled("a:b:c_t:s0"), proc); });
  EXPECT_NE(error.find("/proc/self/attr/exec is not on a procfs"), std::string::npos) << error;
  EXPECT_EQ(fs::file_size(attributes() / "exec"), 0U);
}

TEST_F(LabelsTest, TheSessionKeyringIsLabelledAndNothingAfterIt) {
  put("current", "system_u:system_r:container_runtime_t:s0");
  Confinement confinement = labelled("a:b:c_t:s0");
  confinement.keyring = "_ses.test";
  EXPECT_EQ(written_to("keycreate", confinement, join_session_keyring), "");  // written, and taken back
  confinement.keyring.clear();
  EXPECT_EQ(written_to("keycreate", confinement, join_session_keyring), "nothing");
}

TEST_F(LabelsTest, TheAppArmorProfileIsWrittenForTheNextExecve) {
  EXPECT_EQ(written_to("apparmor/exec", profiled("a-profile")), "exec a-profile");
  EXPECT_EQ(written_to("apparmor/exec", profiled("unconfined")), "exec unconfined");  // the name holds 15 bytes
  fs::remove(attributes() / "apparmor/exec");
  EXPECT_EQ(written_to("exec", profiled("unconfined")), "nothing");
}

}  // namespace
}  // namespace agentsafe::security
