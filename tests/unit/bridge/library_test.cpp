#include "runtime/bridge/library.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <filesystem>

#include "runtime/base/error.h"
#include "runtime/bridge/image.h"
#include "runtime/sys/fd.h"
#include "tests/unit/error_of.h"

namespace agentsafe::bridge {
namespace {

// The C library is a library as any other, and is always there.
Setting libc() { return {.soname = "libc.so.6", .remedy = "install a C library"}; }

TEST(BridgeTest, CallsAFunctionAndAnswersItsResult) {
  Library library(libc());
  const auto answer = library.run(Steps().call("atoi", {text("417")}).call("strlen", {text("seven..")}));
  EXPECT_EQ(answer.numbers, (std::vector<std::int64_t>{417, 7}));
}

TEST(BridgeTest, PassesSixArgumentsOfAVariadicFunction) {
  Library library(libc());
  const Cell buffer = library.cell(8);
  Steps steps;
  steps.call("snprintf", {out(buffer), number(64), text("%ld-%s-%ld"), number(-5), text("mid"), number(1L << 40)});
  const Cell pointer = library.cell();
  steps.call_any("strdup", {out(buffer)}, pointer).string(pointer);
  EXPECT_EQ(library.run(steps).texts.at(0), "-5-mid-1099511627776");
}

TEST(BridgeTest, KeepsPointersInCellsFromOneRunToTheNext) {
  Library library(libc());
  const Cell copy = library.cell();
  library.run(Steps().call_any("strdup", {text("kept")}, copy));
  EXPECT_EQ(library.run(Steps().string(copy)).texts.at(0), "kept");
  EXPECT_NE(library.run(Steps().word(copy)).numbers.at(0), 0);
}

TEST(BridgeTest, ReadsOutParametersAndNullStrings) {
  Library library(libc());
  const Cell line = library.cell();
  const auto answer = library.run(Steps().call("asprintf", {out(line), text("%d"), number(7)}).string(line));
  EXPECT_EQ(answer.texts.at(0), "7");
  EXPECT_EQ(library.run(Steps().string(library.cell())).texts.at(0), "");
}

TEST(BridgeTest, StopsAtTheFirstCheckedCallThatFails) {
  Library library(libc());
  const Cell after = library.cell();
  Steps steps;
  steps.call("abs", {number(3)}).call("atoi", {text("-13")}).call_any("strdup", {text("never")}, after);
  EXPECT_EQ(error_of([&] { library.run(steps); }), "atoi: permission denied");
  EXPECT_EQ(library.run(Steps().word(after)).numbers.at(0), 0);
}

TEST(BridgeTest, AnswersNegativeResultsOfUncheckedCalls) {
  Library library(libc());
  EXPECT_EQ(library.run(Steps().call_any("atoi", {text("-13")})).integer(0), -13);
}

TEST(BridgeTest, AnswersACallbackThatCallsTheLibraryItself) {
  Library library(libc());
  std::vector<std::string> asked;
  const Cell seen = library.cell();
  library.on_call([&](const std::string&) {
    asked.push_back(library.run(Steps().call_any("strdup", {text("inside")}, seen).string(seen)).texts.at(0));
    return asked.size() == 1 ? 1 : -1;
  });
  // bsearch(key, base, count, size, compare): the callback is the comparison
  const Cell found = library.cell();
  library.run(Steps().call_any("bsearch", {text("k"), text("abc"), number(3), number(1), callback()}, found));
  EXPECT_FALSE(asked.empty());
  EXPECT_EQ(asked.front(), "inside");
}

TEST(BridgeTest, ThrowsWhatACallbackThrewOnceTheLibraryIsDone) {
  Library library(libc());
  library.on_call([](const std::string&) -> int { fail("the runtime does not want it"); });
  const Steps steps = Steps().call_any("bsearch", {text("k"), text("abc"), number(3), number(1), callback()});
  EXPECT_EQ(error_of([&] { library.run(steps); }), "the runtime does not want it");
  EXPECT_EQ(library.run(Steps().call("abs", {number(-3)})).integer(0), 3);
}

TEST(BridgeTest, NamesAMissingLibraryAndItsRemedy) {
  const auto message = error_of([] { Library({.soname = "libagentsafe-none.so.7", .remedy = "install nothing"}); });
  EXPECT_TRUE(message.starts_with("load libagentsafe-none.so.7: ")) << message;
  EXPECT_TRUE(message.ends_with("; install nothing")) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos);
  // Docker would take these words for a missing command of the user's
  EXPECT_EQ(message.find("No such file or directory"), std::string::npos) << message;
}

TEST(BridgeTest, NamesAMissingFunctionAndTheRemedy) {
  Library library(libc());
  EXPECT_EQ(error_of([&] { library.run(Steps().call("agentsafe_none", {})); }),
            "libc.so.6: it has no function agentsafe_none; install a C library");
}

TEST(BridgeTest, TellsHowABridgeEndedThatEndsInTheMiddle) {
  Library library(libc());
  EXPECT_EQ(error_of([&] { library.run(Steps().call("_exit", {number(9)})); }),
            "agentsafe-bridge ended with status 9: connection reset by peer");
}

TEST(BridgeTest, GivesUpAfterItsLimit) {
  auto setting = libc();
  setting.limit = std::chrono::milliseconds(1);
  EXPECT_EQ(error_of([&] { Library(setting).run(Steps().call("sleep", {number(1)})); }),
            "libc.so.6: no answer within 1 ms");
}

TEST(BridgeTest, GivesTheLibraryAnEnvironmentAndDescriptorsOfItsOwn) {
  auto setting = libc();
  setting.environment = {"AGENTSAFE_TEST=given"};
  const UniqueFd file = sys::memfd("inherited");
  setting.inherit = {file.get()};
  Library library(setting);
  const Cell value = library.cell();
  const auto answer = library.run(Steps()
                                      .call_any("getenv", {text("AGENTSAFE_TEST")}, value)
                                      .string(value)
                                      .call_any("getenv", {text("HOME")})
                                      .call_any("write", {number(file.get()), text("seen"), number(4)}));
  EXPECT_EQ(answer.texts.at(0), "given");
  EXPECT_EQ(answer.numbers.at(1), 0);
  EXPECT_EQ(sys::fstat(file).st_size, 4);
  EXPECT_EQ(::fcntl(file.get(), F_GETFD), FD_CLOEXEC);  // in ourselves
}

TEST(BridgeTest, HandsOverADescriptorThatTheLibraryOpened) {
  Library library(libc());
  const auto answer = library.run(Steps().call_any("open", {text("/dev/zero"), number(O_RDONLY)}));
  const UniqueFd zero = library.take_fd(answer.integer(0));
  char byte = 1;
  EXPECT_EQ(::read(zero.get(), &byte, 1), 1);
  EXPECT_EQ(byte, 0);
}

TEST(BridgeTest, LeavesNoProcessBehind) {
  pid_t pid = -1;
  {
    Library library(libc());
    pid = library.pid();
    EXPECT_TRUE(std::filesystem::exists("/proc/" + std::to_string(pid)));
  }
  EXPECT_FALSE(std::filesystem::exists("/proc/" + std::to_string(pid)));
}

TEST(BridgeTest, CarriesAThousandCallsAtOnce) {
  Library library(libc());
  Steps steps;
  for (int i = 0; i < 1000; ++i) steps.call("strlen", {text(std::string(200, 'x'))});
  const auto answer = library.run(steps);
  EXPECT_EQ(answer.numbers, std::vector<std::int64_t>(1000, 200));
}

TEST(BridgeTest, RunsFromASealedCopyAndNeedsTheCLibraryAlone) {
  Library library(libc());
  const auto exe = sys::openat(sys::at_cwd, "/proc/" + std::to_string(library.pid()) + "/exe", O_RDONLY);
  EXPECT_EQ(::fcntl(exe.get(), F_GET_SEALS), F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
  const auto maps = sys::read_file(sys::at_cwd, "/proc/" + std::to_string(library.pid()) + "/maps");
  EXPECT_EQ(maps.find("libstdc++"), std::string::npos);
  EXPECT_EQ(maps.find("libgcc"), std::string::npos);
  EXPECT_LE(bridge_image().size(), 40U << 10);
  EXPECT_EQ(sys::read_file(sys::at_cwd, AGENTSAFE_BRIDGE), bridge_image());
}

}  // namespace
}  // namespace agentsafe::bridge
