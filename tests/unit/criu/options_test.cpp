// What criu is told, byte by byte: the encoding is protobuf's, the numbers are those of criu's rpc.proto.
#include "runtime/criu/options.h"

#include <gtest/gtest.h>

#include "runtime/base/error.h"

namespace agentsafe::criu {
namespace {

std::string bytes(std::initializer_list<int> values) {
  std::string text;
  for (const int value : values) text += static_cast<char>(value);
  return text;
}
bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

Options quiet() {
  Options options;
  options.notify = false;
  options.orphan_pts_master = false;
  return options;
}

TEST(CriuOptionsTest, SendsOnlyWhatIsSet) {
  // type 1, then the options: images_dir_fd 5, log_level 4, manage_cgroups_mode 6
  Options options = quiet();
  options.images_dir = 5;
  EXPECT_EQ(encode_request(Request::dump, &options), bytes({0x08, 1, 0x12, 7, 0x08, 5, 0x48, 4, 0x90, 0x02, 6}));
}

TEST(CriuOptionsTest, SendsARequestWithoutOptions) {
  EXPECT_EQ(encode_request(Request::version), bytes({0x08, 10}));
  EXPECT_EQ(encode_feature_check(), bytes({0x08, 9, 0x2a, 4, 0x08, 1, 0x10, 1}));
}

TEST(CriuOptionsTest, SendsNegativeNumbersInTenBytes) {
  EXPECT_TRUE(holds(encode_request(Request::dump, nullptr), bytes({0x08, 1})));
  const Options options = quiet();  // images_dir -1
  EXPECT_TRUE(holds(encode_request(Request::dump, &options),
                    bytes({0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})));
}

struct Switch {
  bool Options::*member;
  std::string encoded;
};
TEST(CriuOptionsTest, SendsEverySwitchByItsNumber) {
  const Switch switches[] = {
      {&Options::leave_running, bytes({0x18, 1})},
      {&Options::ext_unix_sk, bytes({0x20, 1})},
      {&Options::tcp_established, bytes({0x28, 1})},
      {&Options::evasive_devices, bytes({0x30, 1})},
      {&Options::shell_job, bytes({0x38, 1})},
      {&Options::file_locks, bytes({0x40, 1})},
      {&Options::notify, bytes({0x60, 1})},
      {&Options::track_memory, bytes({0x78, 1})},
      {&Options::auto_dedup, bytes({0x80, 0x01, 1})},
      {&Options::link_remap, bytes({0x90, 0x01, 1})},
      {&Options::restore_as_sibling, bytes({0xd0, 0x01, 1})},
      {&Options::tcp_skip_in_flight, bytes({0xf0, 0x02, 1})},
      {&Options::lazy_pages, bytes({0x80, 0x03, 1})},
      {&Options::orphan_pts_master, bytes({0x90, 0x03, 1})},
      {&Options::tcp_close, bytes({0xa0, 0x03, 1})},
  };
  const Options off = quiet();
  for (const auto& row : switches) {
    Options on = quiet();
    on.*row.member = true;
    EXPECT_TRUE(holds(encode_request(Request::dump, &on), row.encoded));
    EXPECT_FALSE(holds(encode_request(Request::dump, &off), row.encoded));
  }
}

TEST(CriuOptionsTest, SendsTextsPairsAndDescriptors) {
  Options options = quiet();
  options.lsm_profile = "a:b";
  options.external_mounts = {{"/d", "n"}};
  options.cgroup_roots = {{"", "/c"}};
  options.external = {"net[1]:k"};
  options.inherited_fds = {{"pipe:[7]", 1}};
  options.page_server_address = "::1";
  options.page_server_port = 300;
  const std::string request = encode_request(Request::restore, &options);
  EXPECT_TRUE(holds(request, bytes({0xaa, 0x03, 3}) + "a:b"));
  EXPECT_TRUE(holds(request, bytes({0xba, 0x01, 7, 0x0a, 2}) + "/d" + bytes({0x12, 1}) + "n"));
  EXPECT_TRUE(holds(request, bytes({0xca, 0x01, 6, 0x0a, 0, 0x12, 2}) + "/c"));
  EXPECT_TRUE(holds(request, bytes({0xaa, 0x02, 8}) + "net[1]:k"));
  EXPECT_TRUE(holds(request, bytes({0xda, 0x01, 12, 0x0a, 8}) + "pipe:[7]" + bytes({0x10, 1})));
  EXPECT_TRUE(holds(request, bytes({0x5a, 8, 0x0a, 3}) + "::1" + bytes({0x10, 0xac, 0x02})));
}

TEST(CriuAnswerTest, ReadsAFailure) {
  const Answer answer = decode_answer(bytes({0x08, 1, 0x10, 0, 0x38, 13, 0x4a, 2}) + "no");
  EXPECT_EQ(answer.type, Request::dump);
  EXPECT_FALSE(answer.success);
  EXPECT_EQ(answer.error_number, 13);
  EXPECT_EQ(answer.error_text, "no");
}

TEST(CriuAnswerTest, ReadsNotificationsAndWhatWasRestored) {
  const Answer notification =
      decode_answer(bytes({0x08, 6, 0x10, 1, 0x2a, 6, 0x0a, 1}) + "x" + bytes({0x10, 0xd2, 0x09}));
  EXPECT_EQ(notification.type, Request::notify);
  EXPECT_EQ(notification.script, "x");
  EXPECT_EQ(notification.pid, 1234);
  EXPECT_EQ(decode_answer(bytes({0x08, 2, 0x10, 1, 0x22, 2, 0x08, 42})).pid, 42);
}

TEST(CriuAnswerTest, ReadsFeaturesAndVersion) {
  const Answer features = decode_answer(bytes({0x08, 9, 0x10, 1, 0x42, 4, 0x08, 1, 0x10, 0}));
  EXPECT_TRUE(features.tracks_memory);
  EXPECT_FALSE(features.has_lazy_pages);
  EXPECT_EQ(decode_answer(bytes({0x08, 10, 0x10, 1, 0x52, 6, 0x08, 4, 0x10, 1, 0x20, 1})).version, 40101U);
}

TEST(CriuAnswerTest, PassesOverFieldsOfNewerVersions) {
  EXPECT_TRUE(decode_answer(bytes({0x10, 1, 0xf9, 0x07, 1, 2, 3, 4, 5, 6, 7, 8, 0xfd, 0x07, 1, 2, 3, 4})).success);
}

TEST(CriuAnswerTest, RefusesBrokenMessages) {
  for (const auto& broken : {bytes({0x08}), bytes({0x2a, 5, 0x0a}), bytes({0x0b}),
                             bytes({0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})})
    EXPECT_THROW((void)decode_answer(broken), Error);
}

TEST(CriuWordsTest, AreThoseOfTheCommandLine) {
  EXPECT_EQ(cgroup_mode(""), CgroupMode::automatic);
  EXPECT_EQ(cgroup_mode("ignore"), CgroupMode::ignore);
  EXPECT_EQ(network_lock("nftables"), NetworkLock::nftables);
  EXPECT_THROW((void)cgroup_mode("some"), Error);
  EXPECT_THROW((void)network_lock("ebtables"), Error);
}

}  // namespace
}  // namespace agentsafe::criu
