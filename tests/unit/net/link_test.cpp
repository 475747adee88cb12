// Every test works in network namespaces of its own: one stands for the host, one for the container.
#include "runtime/net/link.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <array>
#include <cstdio>
#include <functional>
#include <string>

#include "runtime/base/error.h"
#include "runtime/net/netlink.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"

namespace agentsafe::net {
namespace {

TEST(MatchesTest, TakesDigitsWhereTheMarkIs) {
  EXPECT_TRUE(matches("lan7", "lan%d"));
  EXPECT_TRUE(matches("lan12x", "lan%dx"));
  EXPECT_TRUE(matches("eth0", "eth0"));
  EXPECT_FALSE(matches("lan", "lan%d"));
  EXPECT_FALSE(matches("lanx", "lan%d"));
  EXPECT_FALSE(matches("wan7", "lan%d"));
  EXPECT_FALSE(matches("eth1", "eth0"));
}

std::string output_of(const std::string& command) {
  std::string text;
  FILE* const pipe = ::popen((command + " 2>&1").c_str(), "re");
  std::array<char, 4096> part{};
  while (const std::size_t n = std::fread(part.data(), 1, part.size(), pipe)) text.append(part.data(), n);
  ::pclose(pipe);
  return text;
}

template <class Where>
void move_and_keep(const std::map<std::string, oci::NetDevice>& devices, const Where& where) {
  MovedDevices moved;
  moved.move(devices, where);
  moved.keep();
}

class MoveDevicesTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (::geteuid() != 0) GTEST_SKIP() << "needs CAP_NET_ADMIN";
  }
  void SetUp() override {
    if (output_of("ip -V").find("iproute2") == std::string::npos) GTEST_SKIP() << "needs ip (iproute2)";
    before_ = sys::openat(sys::at_cwd, "/proc/self/ns/net", O_RDONLY);
    sys::unshare(CLONE_NEWNET);
    container_ = sys::openat(sys::at_cwd, "/proc/self/ns/net", O_RDONLY);
    sys::unshare(CLONE_NEWNET);
    host_ = sys::openat(sys::at_cwd, "/proc/self/ns/net", O_RDONLY);
  }
  void TearDown() override {
    if (before_) sys::setns(before_, CLONE_NEWNET);
  }

  static std::string host(const std::string& command) { return output_of("ip " + command); }
  std::string container(const std::string& command) const {
    sys::setns(container_, CLONE_NEWNET);
    std::string text = output_of("ip " + command);
    sys::setns(host_, CLONE_NEWNET);
    return text;
  }
  std::string error_of(const std::map<std::string, oci::NetDevice>& devices) const {
    try {
      MovedDevices().move(devices, container_);
    } catch (const Error& error) {
      return error.message();
    }
    return "";
  }

  UniqueFd before_;
  UniqueFd container_;
  UniqueFd host_;
};

TEST_F(MoveDevicesTest, MovesRenamesAndBringsUp) {
  host("link add veth0 type veth peer name veth1");
  move_and_keep({{"veth0", {"eth0"}}}, container_);
  EXPECT_EQ(host("-br link show veth0"), "Device \"veth0\" does not exist.\n");
  EXPECT_NE(container("link show eth0").find(",UP"), std::string::npos) << container("link");
}

TEST_F(MoveDevicesTest, KeepsTheNameWhenNoneIsGiven) {
  host("link add port5 type veth peer name port5-peer");
  move_and_keep({{"port5", {}}}, container_);
  EXPECT_NE(container("link show port5").find("UP"), std::string::npos);
}

TEST_F(MoveDevicesTest, KeepsPermanentGlobalAddressesOnly) {
  host("link add veth0 type veth peer name veth1");
  host("link set veth0 up");
  host("link set veth1 up");
  host("addr add 192.0.2.7/24 brd + label veth0:x dev veth0");
  host("addr add 192.0.2.9 peer 198.51.100.1/32 dev veth0 noprefixroute metric 77");
  host("addr add 2001:db8::7/64 dev veth0 nodad");
  host("addr add 2001:db8::8/64 dev veth0 nodad valid_lft 1000 preferred_lft 500");
  host("addr add 10.0.0.1/24 scope link dev veth0");
  move_and_keep({{"veth0", {"eth0"}}}, container_);

  const std::string addresses = container("addr show dev eth0");
  EXPECT_NE(addresses.find("inet 192.0.2.7/24 brd 192.0.2.255 scope global eth0"), std::string::npos) << addresses;
  EXPECT_NE(addresses.find("inet 192.0.2.9 peer 198.51.100.1/32 metric 77 scope global noprefixroute eth0"),
            std::string::npos) << addresses;
  EXPECT_NE(addresses.find("inet6 2001:db8::7/64 scope global nodad"), std::string::npos) << addresses;
  EXPECT_EQ(addresses.find("2001:db8::8"), std::string::npos) << addresses;
  EXPECT_EQ(addresses.find("10.0.0.1"), std::string::npos) << addresses;
}

TEST_F(MoveDevicesTest, TakesTheFirstFreeNumber) {
  host("link add port5 type veth peer name port5-peer");
  host("addr add 192.0.2.7/24 dev port5");
  container("link add lan0 type veth peer name lan0-peer");
  move_and_keep({{"port5", {"lan%d"}}}, container_);
  EXPECT_NE(container("addr show dev lan1").find("192.0.2.7/24"), std::string::npos) << container("addr");
}

TEST_F(MoveDevicesTest, MovesADeviceWhoseOldNameIsTakenInside) {
  host("link add eth0 type veth peer name eth0-peer");
  container("link add eth0 type veth peer name eth0-peer");
  move_and_keep({{"eth0", {"eth1"}}}, container_);
  EXPECT_NE(container("link show eth1").find("UP"), std::string::npos) << container("link");
}

TEST_F(MoveDevicesTest, RefusesANameThatIsTakenAndMovesNothing) {
  host("link add port5 type veth peer name port5-peer");
  container("link add eth0 type veth peer name eth0-peer");
  EXPECT_EQ(error_of({{"port5", {"eth0"}}}),
            "network device \"port5\": the name \"eth0\" is taken in the container's network namespace");
  EXPECT_NE(host("link show port5").find("port5"), std::string::npos);
}

TEST_F(MoveDevicesTest, NamesADeviceThatIsMissing) {
  EXPECT_EQ(error_of({{"eth9", {}}}), "network device \"eth9\": there is no such device on the host");
}

TEST_F(MoveDevicesTest, SaysWhyTheKernelRefuses) {
  const std::string error = error_of({{"lo", {"lo1"}}});
  EXPECT_NE(error.find("network device \"lo\": move it into the container's network namespace as \"lo1\": invalid"),
            std::string::npos) << error;
}

TEST_F(MoveDevicesTest, RefusesAnOverlongName) {
  host("link add port5 type veth peer name port5-peer");
  EXPECT_NE(error_of({{"port5", {"sixteen-bytes-xx"}}}).find("longer than 15 bytes"), std::string::npos);
}

TEST_F(MoveDevicesTest, GivesBackWhatIsNotKept) {
  host("link add port5 type veth peer name port5-peer");
  host("link set port5 up");
  host("addr add 192.0.2.7/24 dev port5");
  host("link add port6 type veth peer name port6-peer");
  {
    MovedDevices moved;
    moved.move({{"port5", {"eth0"}}, {"port6", {}}}, container_);
    EXPECT_EQ(host("-br link show port5"), "Device \"port5\" does not exist.\n");
    container("link set eth0 down");
    container("link set eth0 name renamed");
  }
  EXPECT_NE(host("addr show port5").find("192.0.2.7/24"), std::string::npos) << host("addr");
  EXPECT_NE(host("link show port5").find(",UP"), std::string::npos) << host("link");
  EXPECT_EQ(host("link show port6").find(",UP"), std::string::npos) << host("link");
  EXPECT_EQ(container("-o link").find("renamed"), std::string::npos);
}

TEST_F(MoveDevicesTest, GivesBackTheFirstWhenTheSecondCannotBeMoved) {
  host("link add port5 type veth peer name port5-peer");
  EXPECT_EQ(error_of({{"port5", {}}, {"port6", {}}}),
            "network device \"port6\": there is no such device on the host");
  EXPECT_NE(host("link show port5").find("port5"), std::string::npos);
}

TEST_F(MoveDevicesTest, FindsTheNamespaceOfAProcess) {
  host("link add port5 type veth peer name port5-peer");
  sys::Pipe entered = sys::pipe();
  sys::Pipe life = sys::pipe();
  const sys::Child init = sys::clone3({}, [&] {
    life.write_end.reset();
    sys::setns(container_, CLONE_NEWNET);
    entered.write_end.reset();
    sys::read_all(life.read_end);
    return 0;
  });
  entered.write_end.reset();
  sys::read_all(entered.read_end);
  move_and_keep({{"port5", {"eth0"}}}, init.pid);
  EXPECT_NE(container("link show eth0").find("UP"), std::string::npos);
  life.write_end.reset();
  sys::wait(init.pidfd);
}

TEST(NetlinkTest, NeverChangesOurOwnNamespace) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs CAP_SYS_ADMIN";
  const UniqueFd ours = sys::openat(sys::at_cwd, "/proc/self/ns/net", O_RDONLY);
  const sys::Child other = sys::clone3({.flags = CLONE_NEWNET}, [] {
    for (;;) ::pause();
    return 0;
  });
  const UniqueFd theirs = sys::openat(sys::at_cwd, "/proc/" + std::to_string(other.pid) + "/ns/net", O_RDONLY);
  const Netlink inside = Netlink::inside(theirs);
  EXPECT_EQ(sys::fstat(sys::openat(sys::at_cwd, "/proc/self/ns/net", O_RDONLY)).st_ino, sys::fstat(ours).st_ino);
  sys::pidfd_send_signal(other.pidfd, SIGKILL);
  sys::wait(other.pidfd);
}

}  // namespace
}  // namespace agentsafe::net
