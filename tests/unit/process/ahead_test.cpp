#include "runtime/process/ahead.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/nsfs.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string>

#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"

namespace agentsafe::process {
namespace {

std::size_t open_descriptors() { return sys::list_directory(sys::openat(sys::at_cwd, "/proc/self/fd", O_RDONLY | O_DIRECTORY)).size(); }

// The thread has done with our memory when it is waited for; the kernel takes it off the list a moment later.
bool are_alone() {
  const UniqueFd tasks = sys::openat(sys::at_cwd, "/proc/self/task", O_RDONLY | O_DIRECTORY);
  for (int i = 0; i < 1000; ++i) {
    if (sys::list_directory(tasks).size() == 1) return true;
    ::usleep(1000);
  }
  return false;
}

std::string text_of(FdRef file) {
  std::string text(static_cast<std::size_t>(sys::fstat(file).st_size), '\0');
  EXPECT_EQ(::pread(file.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  return text;
}

TEST(AheadTest, TheImageIsWholeAndSealed) {
  const std::string bytes(300'001, 'x');
  Ahead ahead(bytes);
  const UniqueFd image = ahead.image();
  ASSERT_TRUE(image);
  EXPECT_EQ(text_of(image), bytes);
  EXPECT_EQ(::fcntl(image.get(), F_GET_SEALS), F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
  EXPECT_EQ(::fcntl(image.get(), F_GETFD), FD_CLOEXEC);
  EXPECT_LT(::pwrite(image.get(), "y", 1, 0), 0);
  EXPECT_TRUE(are_alone());
}

TEST(AheadTest, AnotherImageIsMadeForWhoAsksAgain) {
  Ahead ahead("image");
  const UniqueFd first = ahead.image();
  const UniqueFd second = ahead.image();
  EXPECT_NE(first.get(), second.get());
  EXPECT_EQ(text_of(second), "image");
}

TEST(AheadTest, ThereIsNoNetworkUnlessOneIsWanted) {
  Ahead ahead("image");
  EXPECT_FALSE(ahead.network());
}

TEST(AheadTest, WhatIsNotTakenIsClosed) {
  const auto before = open_descriptors();
  for (int i = 0; i < 20; ++i) {
    Ahead ahead("image");
    if (i % 2 == 0) ahead.make_network();
  }
  EXPECT_EQ(open_descriptors(), before);
  EXPECT_TRUE(are_alone());
}

#ifdef __x86_64__
bool loopback_is_up_in(FdRef network) {
  const auto child = sys::clone3({}, [&] {
    sys::setns(network, CLONE_NEWNET);
    const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    request.ifr_name[0] = 'l', request.ifr_name[1] = 'o';
    return ::ioctl(socket.get(), SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP) != 0 ? 0 : 1;
  });
  return sys::wait(child.pidfd).status() == 0;
}

TEST(AheadTest, TheNetworkIsNewWithItsLoopbackUp) {
  if (sys::effective_uid() != 0) GTEST_SKIP() << "only root may make network namespaces";
  Ahead ahead("image");
  ahead.make_network();
  const UniqueFd network = ahead.network();
  ASSERT_TRUE(network);
  EXPECT_EQ(::ioctl(network.get(), NS_GET_NSTYPE), CLONE_NEWNET);
  const auto ours = sys::try_fstatat(sys::at_cwd, "/proc/self/ns/net", 0);
  EXPECT_NE(sys::fstat(network).st_ino, ours->st_ino);
  EXPECT_TRUE(loopback_is_up_in(network));
  EXPECT_EQ(text_of(ahead.image()), "image");
}

// Answers EPERM to ioctl(2) with this request, from here on.
bool refuse_ioctl(std::uint32_t request) {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_ioctl, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[1])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, request, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{6, program};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

TEST(AheadTest, WithoutItsLoopbackThereIsNoNetwork) {
  if (sys::effective_uid() != 0) GTEST_SKIP() << "only root may make network namespaces";
  const auto child = sys::clone3({}, [] {
    if (!refuse_ioctl(SIOCSIFFLAGS)) return 2;
    const auto before = open_descriptors();
    Ahead ahead("image");
    ahead.make_network();
    if (ahead.network() || text_of(ahead.image()) != "image") return 1;
    return open_descriptors() == before ? 0 : 3;
  });
  EXPECT_EQ(sys::wait(child.pidfd).status(), 0);
}

TEST(AheadTest, WithoutAThreadTheImageIsMadeAndNoNetwork) {
  if (sys::effective_uid() != 0) GTEST_SKIP() << "only root can become a user without privileges";
  const auto child = sys::clone3({}, [] {
    const rlimit none{0, 0};  // of processes and threads; does not hold for root
    if (::setresuid(65534, 65534, 65534) != 0 || ::setrlimit(RLIMIT_NPROC, &none) != 0) return 2;
    Ahead ahead("image");
    if (!are_alone()) return 3;
    ahead.make_network();
    return ahead.network() || text_of(ahead.image()) != "image" ? 1 : 0;
  });
  EXPECT_EQ(sys::wait(child.pidfd).status(), 0);
}

TEST(AheadTest, AnImageThatTheThreadCouldNotMakeIsMadeLater) {
  const auto child = sys::clone3({}, [] {
    rlimit before{};
    if (::getrlimit(RLIMIT_NOFILE, &before) != 0) return 2;
    const rlimit none{3, before.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &none) != 0) return 2;
    Ahead ahead("image");
    if (ahead.network()) return 3;  // waits for the thread
    if (::setrlimit(RLIMIT_NOFILE, &before) != 0) return 2;
    return text_of(ahead.image()) != "image" ? 1 : 0;
  });
  EXPECT_EQ(sys::wait(child.pidfd).status(), 0);
}

TEST(AheadTest, WhoMayNotMakeANetworkGetsNone) {
  if (sys::effective_uid() != 0) GTEST_SKIP() << "only root can become a user without privileges";
  const auto child = sys::clone3({}, [] {
    if (::setresuid(65534, 65534, 65534) != 0) return 2;
    Ahead ahead("image");
    ahead.make_network();
    return ahead.network() || text_of(ahead.image()) != "image" ? 1 : 0;
  });
  EXPECT_EQ(sys::wait(child.pidfd).status(), 0);
}
#endif

}  // namespace
}  // namespace agentsafe::process
