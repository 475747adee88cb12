#include "runtime/container/fd_socket.h"

#include <gtest/gtest.h>
#include <sys/un.h>

#include <cstring>
#include <filesystem>

#include "runtime/base/error.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/unix_socket.h"

namespace agentsafe::container {
namespace {

class SendFdTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/agentsafe-fd-socket-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    dir_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  // A listening socket at dir/name; bound from inside the folder, so that the path may be long.
  static UniqueFd listen_at(const std::string& dir, const std::string& name) {
    UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const UniqueFd parent = sys::openat(sys::at_cwd, dir, O_PATH | O_DIRECTORY);
    const std::string path = sys::proc_path(parent) + "/" + name;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path.c_str());
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(socket.get(), 1), 0);
    return socket;
  }

  std::string error_of(const std::string& path, const std::string& name) const {
    try {
      send_fd(path, name, FdRef(0));
    } catch (const Error& error) {
      return error.message();
    }
    return "";
  }

  std::string dir_;
};

TEST_F(SendFdTest, SendsTheNameWithOneDescriptorAndCloses) {
  const UniqueFd listener = listen_at(dir_, "s");
  const UniqueFd file = sys::memfd("sent");
  send_fd(dir_ + "/s", "/dev/pts/0", file);

  const UniqueFd peer(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  const auto message = sys::receive_message(peer);
  EXPECT_EQ(message.bytes, "/dev/pts/0");
  ASSERT_EQ(message.fds.size(), 1);
  EXPECT_EQ(sys::fstat(message.fds[0]).st_ino, sys::fstat(file).st_ino);
  EXPECT_EQ(sys::receive_message(peer).bytes, "");  // end of file
}

TEST_F(SendFdTest, ReachesAPathLongerThanASocketAddress) {
  const std::string deep = dir_ + "/" + std::string(100, 'd') + "/" + std::string(100, 'e');
  std::filesystem::create_directories(deep);
  const UniqueFd listener = listen_at(deep, "s");
  send_fd(deep + "/s", "standard", FdRef(0));
  const UniqueFd peer(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  EXPECT_EQ(sys::receive_message(peer).bytes, "standard");
}

TEST_F(SendFdTest, NamesTheSocketThatIsMissing) {
  EXPECT_EQ(error_of(dir_ + "/none", "setns"),
            "send setns to " + dir_ + "/none: socket " + dir_ + "/none: connect: missing (ENOENT)");
}

TEST_F(SendFdTest, NamesTheSocketThatNobodyListensAt) {
  listen_at(dir_, "s");
  EXPECT_NE(error_of(dir_ + "/s", "setns").find("connect: connection refused"), std::string::npos);
}

TEST_F(SendFdTest, RefusesAnEmptyOrOverlongName) {
  const UniqueFd listener = listen_at(dir_, "s");
  EXPECT_NE(error_of(dir_ + "/s", "").find("1 to 4095 bytes"), std::string::npos);
  EXPECT_NE(error_of(dir_ + "/s", std::string(4096, 'n')).find("1 to 4095 bytes"), std::string::npos);
}

}  // namespace
}  // namespace agentsafe::container
