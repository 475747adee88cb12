#include "runtime/process/channel.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "runtime/base/error.h"
#include "runtime/sys/fd.h"

namespace agentsafe::process {
namespace {

struct Pair {
  Channel a;
  Channel b;
};
Pair make_pair() {
  auto [ours, theirs] = sys::socketpair(SOCK_SEQPACKET);
  return {Channel(std::move(ours)), Channel(std::move(theirs))};
}

TEST(ChannelTest, CarriesANumberATextAndDescriptors) {
  auto [a, b] = make_pair();
  const UniqueFd null = sys::openat(sys::at_cwd, "/dev/null", O_RDWR);
  a.send(Kind::cloned, 42, "hello", {null.get()});
  const Message message = b.expect(Kind::cloned);
  EXPECT_EQ(message.number, 42);
  EXPECT_EQ(message.text, "hello");
  ASSERT_EQ(message.fds.size(), 1U);
  EXPECT_EQ(sys::fstat(message.fds[0]).st_rdev, sys::fstat(null).st_rdev);
  EXPECT_EQ(::fcntl(message.fds[0].get(), F_GETFD), FD_CLOEXEC);
}

TEST(ChannelTest, ThrowsWhatThePeerThrew) {
  auto [a, b] = make_pair();
  a.send(Kind::failed, EBUSY, "it is busy");
  try {
    b.expect(Kind::ready);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "it is busy");
    EXPECT_EQ(error.error_number(), EBUSY);
  }
}

TEST(ChannelTest, KeepsWarningsApart) {
  auto [a, b] = make_pair();
  a.send(Kind::warning, 0, "careful");
  a.send(Kind::ready);
  b.expect(Kind::ready);
  EXPECT_EQ(b.take_warnings(), std::vector<std::string>{"careful"});
  EXPECT_TRUE(b.take_warnings().empty());
}

TEST(ChannelTest, TellsThatThePeerHasEnded) {
  auto [a, b] = make_pair();
  a.close();
  EXPECT_FALSE(b.receive());
  EXPECT_THROW(b.expect(Kind::ready), Error);
}

TEST(ChannelTest, RefusesAnotherMessageThanExpected) {
  auto [a, b] = make_pair();
  a.send(Kind::mounted);
  EXPECT_THROW(b.expect(Kind::ready), Error);
}

TEST(ChannelTest, KeepsMessagesThatOvertookTheAwaitedOne) {
  auto [a, b] = make_pair();
  a.send(Kind::warning, 0, "early");
  a.send(Kind::ready, 5);
  a.send(Kind::cloned, 7);
  EXPECT_EQ(b.await(Kind::cloned, Kind::need_maps).number, 7);
  EXPECT_EQ(b.expect(Kind::ready).number, 5);
  EXPECT_EQ(b.take_warnings().size(), 1U);
}

TEST(ChannelTest, CutsATextThatIsTooLong) {
  auto [a, b] = make_pair();
  a.send(Kind::failed, 0, std::string(1 << 20, 'x'));
  const auto message = b.receive();
  ASSERT_TRUE(message);
  EXPECT_LT(message->text.size(), 65536U);
}

}  // namespace
}  // namespace agentsafe::process
