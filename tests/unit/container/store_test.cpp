#include "runtime/container/store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include "runtime/base/error.h"
#include "runtime/base/hash.h"
#include "runtime/container/record_json.h"
#include "runtime/container/status.h"
#include "runtime/sys/fd.h"

namespace agentsafe::container {
namespace {

class StoreTest : public testing::Test {
 protected:
  StoreTest() : path_(::mkdtemp(template_)), store_(path_ + "/root") {}
  ~StoreTest() override { (void)!std::system(("rm -rf " + path_).c_str()); }
  static std::string error_of(const std::function<void()>& body) {
    try {
      body();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  static mode_t mode_of(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(::stat(path.c_str(), &info), 0);
    return info.st_mode & 07777;
  }
  char template_[64] = "/tmp/agentsafe-store-XXXXXX";
  std::string path_;
  Store store_;
};

Record sample() {
  Record record;
  record.ociVersion = "1.2.0";
  record.id = "web";
  record.bundle = "/b";
  record.rootfs = "/b/rootfs";
  record.created = "2026-11-21T02:20:50Z";
  record.policy = "oci";
  record.pid = 42;
  record.startTime = 18446744073709551615ULL;
  record.pidfdInode = 17;
  record.bootId = "8e3b4ac5-4c23-4ab4-9d3b-2f06f3a3b8a7";
  record.cgroup.unified = cgroup::Place{.mount_point = "/sys/fs/cgroup", .path = "/web"};
  record.resources.emplace();
  record.resources->pids = oci::Pids{7};
  record.annotations["a\n"] = "b\"";
  return record;
}

TEST_F(StoreTest, AnIdIsTakenOnce) {
  const auto dir = store_.create("web");
  EXPECT_EQ(error_of([&] { (void)store_.create("web"); }), "container with given ID already exists: web");
  EXPECT_EQ(mode_of(path_ + "/root/web"), 0711U);
}

TEST_F(StoreTest, RefusesIdsThatAreNoSimpleNames) {
  for (const std::string& bad : {std::string(), std::string("."), std::string(".."), std::string("a/b"), std::string("-x"),
                                 std::string(".agentsafe-x"), std::string("a b"), std::string("ä"), std::string(256, 'a')})
    EXPECT_NE(error_of([&] { check_id(bad); }).find("invalid container ID format"), std::string::npos) << bad;
  for (const std::string& good : {std::string("A_z+0.9-"), std::string(255, 'a'), std::string(".x")}) check_id(good);
}

TEST_F(StoreTest, ReadsBackItsRecord) {
  auto dir = store_.create("web");
  EXPECT_FALSE(dir.try_load());
  EXPECT_NE(error_of([&] { (void)dir.load(); }).find("container does not exist"), std::string::npos);
  dir.save(sample());
  EXPECT_EQ(mode_of(path_ + "/root/web/state.json"), 0600U);
  const auto record = store_.open("web").load();
  EXPECT_EQ(to_json(record), to_json(sample()));
  EXPECT_EQ(record.startTime, 18446744073709551615ULL);
}

TEST_F(StoreTest, ShowsAStagedRecordOnceItIsCommittedAndLeavesNothingBeside) {
  auto dir = store_.create("web");
  Record record = sample();
  dir.save(record);
  record.pid = 43;
  dir.stage(record);
  EXPECT_EQ(dir.load().pid, 42);
  dir.stage(record);  // again: what somebody who was killed has left is in the way
  dir.commit();
  EXPECT_EQ(dir.load().pid, 43);
  EXPECT_EQ(sys::list_directory(dir.fd()), std::vector<std::string>{"state.json"});
}

TEST_F(StoreTest, RefusesEveryDamagedRecord) {
  auto dir = store_.create("web");
  const std::string good = to_json(sample());
  (void)read_record(good);
  const auto is_refused = [](const std::string& text) {
    return error_of([&] { (void)read_record(text); }).find("damaged") != std::string::npos;
  };
  for (std::size_t size = 0; size < good.size(); ++size) EXPECT_TRUE(is_refused(good.substr(0, size))) << size;
  for (std::size_t i = 0; i < good.size(); ++i)
    for (const char flipped : {1, 32, -128}) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ flipped);
      EXPECT_TRUE(is_refused(bad)) << bad;
    }
  EXPECT_TRUE(is_refused(good + "\n"));
  EXPECT_TRUE(is_refused(" " + good));
  EXPECT_TRUE(is_refused(good + good));
}

// 0x85944171f73967e8: FNV-1a of "foobar", as its authors publish it.
TEST(RecordTest, BeginsWithTheHashOfTheOtherMembers) {
  static_assert(fnv1a("") == 0xcbf29ce484222325U && fnv1a("foobar") == 0x85944171f73967e8U);
  const std::string text = to_json(sample());
  std::array<char, 17> digits{};
  std::snprintf(digits.data(), digits.size(), "%016llx",
                static_cast<unsigned long long>(fnv1a(std::string_view(text).substr(31))));
  EXPECT_EQ(text.substr(0, 43), "{\"checksum\":\"" + std::string(digits.data()) + "\",\"version\":2,");
}

TEST(RecordTest, RefusesOtherVersionsByName) {
  const auto of_version = [](std::uint32_t version) {
    Record record = sample();
    record.version = version;
    return to_json(record);
  };
  const auto error = [](const std::string& text) {
    try {
      (void)read_record(text);
    } catch (const Error& refused) {
      return refused.message();
    }
    return std::string();
  };
  EXPECT_EQ(error(of_version(2)), "");
  EXPECT_EQ(error(of_version(9)),
            "the state is of version 9, which another agentsafe has written: remove the container with delete --force");
  const std::string first = "{" + of_version(1).substr(31);  // it had no checksum
  EXPECT_NE(error(first).find("the state is of version 1,"), std::string::npos);
}

TEST(RecordTest, AfterARebootNamesNothingOfTheBootBefore) {
  Record record = sample();
  record.firstId = 0x60000000;
  record.scratch = "/s/1";
  record.sharedNetwork = SharedNetwork{"/run/netns/x", 4026531840};
  record.intelRdt.emplace();
  const Record seen = as_seen_after_reboot(record);
  EXPECT_EQ(seen.pid, 0);
  EXPECT_EQ(seen.startTime, 0U);
  EXPECT_EQ(seen.pidfdInode, 0U);
  EXPECT_FALSE(seen.cgroupIsOurs);
  EXPECT_FALSE(seen.firstId);
  EXPECT_TRUE(seen.scratch.empty());
  EXPECT_FALSE(seen.sharedNetwork);
  EXPECT_FALSE(seen.intelRdt);
  EXPECT_EQ(seen.bundle, record.bundle);
  EXPECT_EQ(seen.cgroup.unified->path, "/web");
}

TEST_F(StoreTest, ListsSortedAndLeavesOutItsOwnFolders) {
  EXPECT_TRUE(store_.ids().empty()) << "a missing root";
  (void)store_.create("b");
  (void)store_.create("a");
  sys::mkdirat(sys::at_cwd, path_ + "/root/.agentsafe-seccomp", 0700);
  sys::write_all(sys::openat(sys::at_cwd, path_ + "/root/file", O_WRONLY | O_CREAT, 0600), "x");
  EXPECT_EQ(store_.ids(), (std::vector<std::string>{"a", "b"}));
}

TEST_F(StoreTest, KnowsWhetherAVerbHoldsTheLock) {
  {
    const auto creating = store_.create("web");
    EXPECT_TRUE(store_.open("web").is_locked());
  }
  EXPECT_FALSE(store_.open("web").is_locked());
}

TEST_F(StoreTest, RemovesEverythingButFollowsNoLink) {
  auto dir = store_.create("web");
  sys::write_all(sys::openat(sys::at_cwd, path_ + "/kept", O_WRONLY | O_CREAT, 0600), "x");
  sys::mkdirat(dir.fd(), "notify", 0755);
  sys::symlinkat(path_, dir.fd(), "notify/link");
  dir.make_fifo(::geteuid(), ::getegid());
  EXPECT_TRUE(dir.has_fifo());
  dir.remove_fifo();
  EXPECT_FALSE(dir.has_fifo());
  dir.remove();
  EXPECT_FALSE(store_.try_open("web"));
  EXPECT_TRUE(sys::try_fstatat(sys::at_cwd, path_ + "/kept"));
  EXPECT_EQ(error_of([&] { (void)store_.open("web"); }), "container does not exist: web");
}

TEST(StatusTest, NamesAreTheSpecifications) {
  EXPECT_EQ(name_of(Status::creating), "creating");
  EXPECT_EQ(name_of(Status::created), "created");
  EXPECT_EQ(name_of(Status::running), "running");
  EXPECT_EQ(name_of(Status::paused), "paused");
  EXPECT_EQ(name_of(Status::stopped), "stopped");
}

TEST(StatusTest, OnlyACreatedContainerStarts) {
  for (const auto status : {Status::creating, Status::running, Status::paused, Status::stopped})
    EXPECT_FALSE(permits(status, Operation::start));
  EXPECT_TRUE(permits(Status::created, Operation::start));
}

}  // namespace
}  // namespace agentsafe::container
