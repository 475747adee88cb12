#include "runtime/container/notify.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "runtime/base/error.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"
#include "runtime/sys/unix_socket.h"

namespace agentsafe::container {
namespace {

constexpr std::chrono::seconds patience{10};

class NotifyTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/agentsafe-notify-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    dir_ = name;
    prepare_notify(dir_);
    const UniqueFd dir = sys::openat(sys::at_cwd, dir_, O_PATH | O_DIRECTORY);
    manager_ = sys::bind_unix_datagram(dir, "manager", 0600);
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  // What a program in the container does: each message is one datagram.
  void say(const std::vector<std::string>& messages) const {
    const UniqueFd socket = sys::connect_unix(dir_ + "/notify/notify.sock", SOCK_DGRAM, patience);
    for (const auto& message : messages) sys::send_message(socket, message);
  }
  std::string heard() const {
    if (!sys::wait_readable(manager_, std::chrono::milliseconds(0))) return "";
    return sys::receive_message(manager_).bytes;
  }
  // An init that lives until its stdin, our pipe, is closed.
  static sys::Child init(const sys::Pipe& life) {
    return sys::clone3({}, [&] {
      ::close(life.write_end.get());
      sys::read_all(life.read_end);
      return 0;
    });
  }

  std::string dir_;
  UniqueFd manager_;
};

TEST_F(NotifyTest, TellsReadinessPidAndBarrierInThisOrder) {
  NotifySocket notify = NotifySocket::open(dir_, dir_ + "/manager");
  say({"READY=1\nSTATUS=up"});
  sys::Pipe life = sys::pipe();
  const sys::Child alive = init(life);
  // The relay waits until the manager has closed the barrier's pipe: it runs beside us.
  const sys::Child relay = sys::clone3({}, [&] {
    ::close(manager_.get());
    notify.relay(alive.pidfd, 4321);
    return 0;
  });
  EXPECT_EQ(sys::receive_message(manager_).bytes, "READY=1\n");
  EXPECT_EQ(sys::receive_message(manager_).bytes, "MAINPID=4321\n");
  {
    const auto barrier = sys::receive_message(manager_);
    EXPECT_EQ(barrier.bytes, "BARRIER=1");
    EXPECT_EQ(barrier.fds.size(), 1);
    EXPECT_FALSE(sys::wait_for(relay.pidfd, std::chrono::milliseconds(0)));
  }
  EXPECT_EQ(sys::wait(relay.pidfd).status(), 0);
  life.write_end.reset();
  sys::wait(alive.pidfd);
}

TEST_F(NotifyTest, PassesNothingOnButReadiness) {
  NotifySocket notify = NotifySocket::open(dir_, dir_ + "/manager");
  say({"STATUS=starting", "MAINPID=1", "XREADY=1", "READY=0", "MAINPID=1\nREADY=1\nFDSTORE=1"});
  for (int message = 0; message < 4; ++message) EXPECT_FALSE(notify.forward(7)) << message;
  EXPECT_TRUE(notify.forward(7));
  EXPECT_EQ(heard(), "READY=1\n");
  EXPECT_EQ(heard(), "MAINPID=7\n");
  EXPECT_EQ(heard(), "");
}

TEST_F(NotifyTest, GivesUpWhenTheInitEnds) {
  NotifySocket notify = NotifySocket::open(dir_, dir_ + "/manager");
  const sys::Child dead = sys::clone3({}, [] { return 0; });
  say({"STATUS=starting"});
  notify.relay(dead.pidfd, 1);
  EXPECT_EQ(heard(), "");
  sys::wait(dead.pidfd);
}

TEST_F(NotifyTest, LetsEveryUserOfTheContainerSpeak) {
  const mode_t mask = ::umask(0077);
  const NotifySocket notify = NotifySocket::open(dir_, dir_ + "/manager");
  ::umask(mask);
  EXPECT_EQ(sys::try_fstatat(sys::at_cwd, dir_ + "/notify/notify.sock")->st_mode & 07777, 0777);
  EXPECT_EQ(sys::try_fstatat(sys::at_cwd, dir_ + "/notify")->st_mode & 07777, 0755);
}

TEST_F(NotifyTest, ReplacesASocketLeftByAFailedStart) {
  { const NotifySocket failed = NotifySocket::open(dir_, dir_ + "/manager"); }
  NotifySocket notify = NotifySocket::open(dir_, dir_ + "/manager");
  say({"READY=1"});
  EXPECT_TRUE(notify.forward(7));
}

TEST_F(NotifyTest, SpeaksToAnAbstractSocket) {
  const std::string name = "@" + dir_;
  const UniqueFd manager(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  struct {
    sa_family_t family = AF_UNIX;
    char path[108] = {};
  } address;
  dir_.copy(address.path + 1, dir_.size());
  ASSERT_EQ(::bind(manager.get(), reinterpret_cast<sockaddr*>(&address),
                   static_cast<socklen_t>(sizeof(sa_family_t) + name.size())), 0);
  NotifySocket notify = NotifySocket::open(dir_, name);
  say({"READY=1"});
  EXPECT_TRUE(notify.forward(7));
  EXPECT_EQ(sys::receive_message(manager).bytes, "READY=1\n");
}

TEST_F(NotifyTest, RefusesASocketThatNobodyListensAt) {
  manager_.reset();
  EXPECT_THROW((void)NotifySocket::open(dir_, dir_ + "/manager"), Error);
  EXPECT_THROW((void)NotifySocket::open(dir_, "relative"), Error);
  EXPECT_THROW((void)NotifySocket::open(dir_, "vsock:2:1234"), Error);
}

}  // namespace
}  // namespace agentsafe::container
