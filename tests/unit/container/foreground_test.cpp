// Every test runs Foreground::wait in a process of its own (the "runtime"), because it owns standard streams, signals and
// children. The runtime's child is the "program". Both are functions of the test.
#include "runtime/container/foreground.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <csignal>
#include <filesystem>
#include <functional>

#include "runtime/base/error.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"
#include "runtime/sys/unix_socket.h"

namespace agentsafe::container {
namespace {

constexpr std::chrono::seconds patience{20};

struct Pty {
  UniqueFd master;
  UniqueFd slave;
};

Pty open_pty() {
  Pty pty{UniqueFd(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)), {}};
  ::grantpt(pty.master.get());
  ::unlockpt(pty.master.get());
  pty.slave = sys::open_pty_peer(pty.master);
  return pty;
}

termios mode_of(FdRef terminal) {
  termios mode{};
  ::tcgetattr(terminal.get(), &mode);
  return mode;
}

std::string size_of(FdRef terminal) {
  const auto size = sys::window_size(terminal);
  return size ? std::to_string(size->ws_row) + "x" + std::to_string(size->ws_col) : "none";
}

void print(const std::string& text) { sys::write_all(FdRef(STDOUT_FILENO), text); }

int wait_for_signal() {
  sigset_t all;
  ::sigfillset(&all);
  int signal = 0;
  ::sigwait(&all, &signal);
  return signal;
}

[[noreturn]] void run_for_ever() {
  for (;;) ::pause();
}

using Program = std::function<int()>;

// In the program, as the init of a container does it.
int run_on_terminal(FdRef slave, const Program& program) {
  ::setsid();
  for (int fd = 0; fd <= 2; ++fd) sys::dup3_onto(slave, fd);
  ::ioctl(0, TIOCSCTTY, 0);
  ::close(slave.get());
  return program();
}

struct Setting {
  bool terminal = false;
  winsize console_size{};
  std::function<void()> before;  // in the runtime
};

// In the runtime.
int run_in_foreground(const Setting& setting, const Program& program) {
  if (setting.before) setting.before();
  Foreground foreground;
  if (!setting.terminal) {
    const sys::Child child = sys::clone3({}, program);
    return foreground.wait(child.pidfd, child.pid, {});
  }
  Pty pty = open_pty();
  if (setting.console_size.ws_row != 0) sys::set_window_size(pty.master, setting.console_size);
  const sys::Child child = sys::clone3({}, [&] {
    pty.master.reset();
    return run_on_terminal(pty.slave, program);
  });
  pty.slave.reset();
  return foreground.wait(child.pidfd, child.pid, std::move(pty.master));
}

class ForegroundTest : public testing::Test {
 protected:
  // in, out: become the runtime's standard streams; our own copies are closed then.
  void start(UniqueFd in, UniqueFd out, const Setting& setting, const Program& program) {
    runtime_ = sys::clone3({}, [&] {
      ours_.reset();
      sys::dup3_onto(in, STDIN_FILENO);
      sys::dup3_onto(out, STDOUT_FILENO);
      in.reset();
      out.reset();
      return run_in_foreground(setting, program);
    });
  }
  // With pipes: nothing to read, our end reads what comes out.
  void start(const Setting& setting, const Program& program) {
    auto [read_end, write_end] = sys::pipe();
    ours_ = std::move(read_end);
    start(sys::openat(sys::at_cwd, "/dev/null", O_RDONLY), std::move(write_end), setting, program);
  }
  // With a terminal of ours on both sides.
  void start_on_terminal(const Setting& setting, const Program& program) {
    Pty pty = open_pty();
    ours_ = std::move(pty.master);
    caller_ = sys::duplicate(pty.slave);
    sys::set_window_size(caller_, {40, 100, 0, 0});
    UniqueFd in = sys::duplicate(pty.slave);
    start(std::move(in), std::move(pty.slave), setting, program);
  }
  int status() {
    const auto exit = sys::wait_for(runtime_.pidfd, patience);
    if (!exit) sys::pidfd_send_signal(runtime_.pidfd, SIGKILL);
    return exit ? exit->status() : -1;
  }
  void send(int signal) { sys::pidfd_send_signal(runtime_.pidfd, signal); }
  // Reads until the output ends with `text`.
  std::string read_until(const std::string& text) {
    std::string got;
    while (!got.ends_with(text)) {
      char bytes[4096];
      const ssize_t n = sys::wait_readable(ours_, patience) ? ::read(ours_.get(), bytes, sizeof bytes) : 0;
      if (n <= 0) break;
      got.append(bytes, static_cast<std::size_t>(n));
    }
    return got;
  }
  void type(const std::string& text) { sys::write_all(ours_, text); }

  UniqueFd ours_;
  UniqueFd caller_;  // the terminal that the runtime sees
  sys::Child runtime_;
};

TEST_F(ForegroundTest, AnswersTheExitStatusOfTheProgram) {
  start({}, [] { return 7; });
  EXPECT_EQ(status(), 7);
}

TEST_F(ForegroundTest, AnswersTheSignalThatEndedTheProgram) {
  start({}, [] { return ::raise(SIGKILL); });
  EXPECT_EQ(status(), 128 + SIGKILL);
}

TEST_F(ForegroundTest, AnswersTheStatusWhenTheCallerIgnoresItsChildren) {
  start({.before = [] { ::signal(SIGCHLD, SIG_IGN); }}, [] { return 7; });
  EXPECT_EQ(status(), 7);
}

TEST_F(ForegroundTest, LetsTheProgramUseOurStandardStreams) {
  start({}, [] {
    print("verbatim");
    return 0;
  });
  EXPECT_EQ(read_until("verbatim"), "verbatim");
  EXPECT_EQ(status(), 0);
}

TEST_F(ForegroundTest, ForwardsEverySignalButChildAndUrgent) {
  start({}, [] {
    print("ready ");
    for (;;) {
      const int signal = wait_for_signal();
      print(std::to_string(signal) + " ");
      if (signal == SIGTERM) return 3;
    }
  });
  EXPECT_EQ(read_until("ready "), "ready ");
  for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGPIPE, SIGWINCH, SIGTSTP, SIGCONT, SIGSEGV, SIGABRT,
                           SIGRTMIN, SIGRTMAX}) {
    send(SIGCHLD);
    send(SIGURG);
    send(signal);
    EXPECT_EQ(read_until(" "), std::to_string(signal) + " ");
  }
  send(SIGTERM);
  EXPECT_EQ(status(), 3);
}

TEST_F(ForegroundTest, ForwardsASignalThatCameBeforeTheProgramWasThere) {
  start({}, [] { return ::kill(::getppid(), SIGUSR2) == 0 && wait_for_signal() == SIGUSR2 ? 0 : 1; });
  EXPECT_EQ(status(), 0);
}

TEST_F(ForegroundTest, ReapsTheOrphansOfTheContainer) {
  start({.before = [] { sys::set_child_subreaper(true); }}, [] {
    const sys::Pipe pipe = sys::pipe();
    const sys::Child parent = sys::clone3({}, [&] {
      const sys::Child orphan = sys::clone3({}, [] { return 0; });
      sys::write_all(pipe.write_end, std::string(reinterpret_cast<const char*>(&orphan.pid), sizeof orphan.pid));
      return 0;
    });
    pid_t orphan = 0;
    if (::read(pipe.read_end.get(), &orphan, sizeof orphan) != sizeof orphan) return 2;
    sys::wait(parent.pidfd);
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (::kill(orphan, 0) == 0)
      if (std::chrono::steady_clock::now() > deadline) return 1;
    return 0;
  });
  EXPECT_EQ(status(), 0);
}

TEST_F(ForegroundTest, CopiesATerminalBothWays) {
  start_on_terminal({.terminal = true}, [] {
    print("up;");
    char line[16];
    const ssize_t n = ::read(STDIN_FILENO, line, sizeof line);
    print("got " + std::string(line, static_cast<std::size_t>(n)) + ".");
    return 0;
  });
  EXPECT_EQ(read_until(";"), "up;");  // output comes after our terminal was made raw: it does not echo
  type("hello\n");
  EXPECT_EQ(read_until("."), "hello\r\ngot hello\r\n.");
  EXPECT_EQ(status(), 0);
}

TEST_F(ForegroundTest, MakesOurTerminalRawAndRestoresIt) {
  start_on_terminal({.terminal = true}, [] {
    sys::reset_signals();
    print("up");
    run_for_ever();
    return 0;
  });
  EXPECT_EQ(read_until("up"), "up");
  EXPECT_EQ(mode_of(caller_).c_lflag & (ECHO | ICANON | ISIG), 0);
  type("\x03");  // reaches the container's terminal, which makes it SIGINT
  EXPECT_EQ(status(), 128 + SIGINT);
  EXPECT_EQ(mode_of(caller_).c_lflag & (ECHO | ICANON | ISIG), ECHO | ICANON | ISIG);
}

TEST_F(ForegroundTest, EndsTheProgramAndRestoresOurTerminalWhenItFails) {
  Pty pty = open_pty();
  ours_ = std::move(pty.master);
  caller_ = sys::duplicate(pty.slave);
  sys::Pipe life = sys::pipe();  // its end tells that neither the runtime nor the program lives
  start(std::move(pty.slave), sys::openat(sys::at_cwd, "/dev/full", O_WRONLY), {.terminal = true}, [] {
    print("no space for this");
    run_for_ever();
    return 0;
  });
  life.write_end.reset();
  EXPECT_EQ(status(), 1);  // an Error
  EXPECT_EQ(sys::read_all(life.read_end), "");
  EXPECT_EQ(mode_of(caller_).c_lflag & (ECHO | ICANON), ECHO | ICANON);
}

TEST_F(ForegroundTest, GivesTheTerminalTheSizeOfOursAndFollowsIt) {
  start_on_terminal({.terminal = true}, [] {
    print("up;");
    char line[4];
    static_cast<void>(!::read(STDIN_FILENO, line, sizeof line));
    const std::string first = size_of(FdRef(0));
    print(first + ";");
    while (size_of(FdRef(0)) == first) wait_for_signal();
    print(size_of(FdRef(0)) + ";");
    return 0;
  });
  EXPECT_EQ(read_until(";"), "up;");
  type("\n");
  EXPECT_EQ(read_until("100;"), "\r\n40x100;");
  sys::set_window_size(caller_, {50, 120, 0, 0});
  send(SIGWINCH);  // the kernel sends it to the terminal's foreground group, which the test is not
  EXPECT_EQ(read_until(";"), "50x120;");
  EXPECT_EQ(status(), 0);
}

TEST_F(ForegroundTest, KeepsTheConsoleSizeOfTheConfiguration) {
  start_on_terminal({.terminal = true, .console_size = {11, 22, 0, 0}}, [] {
    print("up;");
    char line[4];
    static_cast<void>(!::read(STDIN_FILENO, line, sizeof line));
    print(size_of(FdRef(0)) + ";");
    return 0;
  });
  EXPECT_EQ(read_until(";"), "up;");
  type("\n");
  EXPECT_EQ(read_until("22;"), "\r\n11x22;");
  EXPECT_EQ(status(), 0);
}

TEST_F(ForegroundTest, LosesNoOutputOfAProgramThatEndsAtOnce) {
  constexpr std::size_t size = 1 << 20;
  start({.terminal = true}, [] {
    print(std::string(size, 'x') + "|");
    return 5;
  });
  EXPECT_EQ(read_until("|").size(), size + 1);
  EXPECT_EQ(status(), 5);
}

TEST_F(ForegroundTest, EndsWithItsProgramThoughAnotherHoldsTheTerminal) {
  start({.terminal = true}, [] {
    const sys::Child other = sys::clone3({}, [] {
      ::setsid();
      run_for_ever();
      return 0;
    });
    print(std::to_string(other.pid) + ";");
    return 0;
  });
  const std::string other = read_until(";");
  EXPECT_EQ(status(), 0);
  ::kill(std::stoi(other), SIGKILL);
}

TEST_F(ForegroundTest, ReadsOnWhenTheProgramOpensItsTerminalAnew) {
  start({.terminal = true}, [] {
    char name[64];
    if (::ttyname_r(STDOUT_FILENO, name, sizeof name) != 0) return 1;
    for (int fd = 0; fd <= 2; ++fd) ::close(fd);  // as init systems do between two messages
    const UniqueFd again = sys::openat(sys::at_cwd, name, O_RDWR | O_NOCTTY);
    sys::write_all(again, "again;");
    return 0;
  });
  EXPECT_EQ(read_until(";"), "again;");
  EXPECT_EQ(status(), 0);
}

TEST_F(ForegroundTest, HangsUpTheTerminalWhenNobodyReads) {
  auto [read_end, write_end] = sys::pipe();
  read_end.reset();
  start(sys::openat(sys::at_cwd, "/dev/null", O_RDONLY), std::move(write_end), {.terminal = true}, [] {
    sys::reset_signals();
    print("unread");
    run_for_ever();
    return 0;
  });
  EXPECT_EQ(status(), 128 + SIGHUP);
}

TEST_F(ForegroundTest, SlowsDownAProgramWhoseOutputIsNotRead) {
  const sys::Pipe result = sys::pipe();
  start({.terminal = true}, [&] {
    ::fcntl(STDOUT_FILENO, F_SETFL, O_RDWR | O_NONBLOCK);
    const std::string block(4096, 'x');
    std::size_t written = 0;
    pollfd writable{STDOUT_FILENO, POLLOUT, 0};
    while (::poll(&writable, 1, 300) == 1 && written < (4U << 20)) {  // until nothing moves any more
      const ssize_t n = ::write(STDOUT_FILENO, block.data(), block.size());
      if (n > 0) written += static_cast<std::size_t>(n);
    }
    sys::write_all(result.write_end, std::to_string(written));
    return 0;
  });
  ASSERT_TRUE(sys::wait_readable(result.read_end, patience));
  char written[16] = {};
  ASSERT_GT(::read(result.read_end.get(), written, sizeof written - 1), 0);
  EXPECT_LT(std::stoul(written), 1U << 20);
  std::size_t got = 0;
  char bytes[4096];
  while (const ssize_t n = ::read(ours_.get(), bytes, sizeof bytes)) got += static_cast<std::size_t>(n);
  EXPECT_EQ(got, std::stoul(written));
  EXPECT_EQ(status(), 0);
}

TEST_F(ForegroundTest, TellsOfReadinessThoughTheProgramEndsAtOnce) {
  char dir[] = "/tmp/agentsafe-foreground-XXXXXX";
  ASSERT_NE(::mkdtemp(dir), nullptr);
  prepare_notify(dir);
  const UniqueFd folder = sys::openat(sys::at_cwd, dir, O_PATH | O_DIRECTORY);
  const UniqueFd manager = sys::bind_unix_datagram(folder, "manager", 0600);
  runtime_ = sys::clone3({}, [&] {
    NotifySocket notify = NotifySocket::open(dir, std::string(dir) + "/manager");
    Foreground foreground;
    const sys::Child child = sys::clone3({}, [&] {
      const UniqueFd socket = sys::connect_unix(std::string(dir) + "/notify/notify.sock", SOCK_DGRAM, patience);
      sys::send_message(socket, "STATUS=nearly");
      sys::send_message(socket, "READY=1");
      return 0;
    });
    return foreground.wait(child.pidfd, child.pid, {}, &notify);
  });
  EXPECT_EQ(status(), 0);
  ASSERT_TRUE(sys::wait_readable(manager, std::chrono::milliseconds(0)));
  EXPECT_EQ(sys::receive_message(manager).bytes, "READY=1\n");
  EXPECT_EQ(sys::receive_message(manager).bytes, "MAINPID=" + std::to_string(runtime_.pid) + "\n");
  std::filesystem::remove_all(dir);
}

TEST_F(ForegroundTest, LeavesTheFlagsOfOurStreamsAlone) {
  Pty pty = open_pty();
  ours_ = std::move(pty.master);
  const UniqueFd shared = sys::duplicate(pty.slave);
  const int before = ::fcntl(shared.get(), F_GETFL);
  UniqueFd in = sys::duplicate(pty.slave);
  start(std::move(in), std::move(pty.slave), {.terminal = true}, [] {
    print("up;");
    char line[4];
    static_cast<void>(!::read(STDIN_FILENO, line, sizeof line));
    return 0;
  });
  read_until(";");
  EXPECT_EQ(::fcntl(shared.get(), F_GETFL), before);
  type("\n");
  EXPECT_EQ(status(), 0);
}

TEST_F(ForegroundTest, GivesOnlyPipesAndSocketsToTheUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs privileges";
  const auto owners = [&](UniqueFd stream) {
    const uid_t before = sys::fstat(stream).st_uid;
    runtime_ = sys::clone3({}, [&] {
      for (int fd = 0; fd <= 2; ++fd) sys::dup3_onto(stream, fd);
      give_stdio_to(4321);
      return 0;
    });
    EXPECT_EQ(status(), 0);
    const uid_t after = sys::fstat(stream).st_uid;
    return after == before ? "kept" : std::to_string(after);
  };
  EXPECT_EQ(owners(sys::pipe().write_end), "4321");
  EXPECT_EQ(owners(sys::socketpair(SOCK_STREAM).ours), "4321");
  EXPECT_EQ(owners(open_pty().slave), "kept");
  EXPECT_EQ(owners(sys::memfd("file")), "kept");
  EXPECT_EQ(owners(sys::openat(sys::at_cwd, "/dev/null", O_RDWR)), "kept");
}

}  // namespace
}  // namespace agentsafe::container
