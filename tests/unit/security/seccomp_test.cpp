#include "runtime/security/seccomp.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>
#include <random>

#include "runtime/base/error.h"
#include "runtime/security/argument_widths.h"
#include "runtime/security/evaluate.h"
#include "runtime/sys/fd.h"

namespace agentsafe::security {
namespace {

constexpr std::uint32_t eperm = SECCOMP_RET_ERRNO | EPERM;
constexpr std::uint32_t enosys = SECCOMP_RET_ERRNO | ENOSYS;

oci::SeccompSyscall allow(std::vector<std::string> names, std::vector<oci::SeccompArg> args = {}) {
  return {std::move(names), "SCMP_ACT_ALLOW", {}, std::move(args)};
}

oci::Seccomp profile(std::vector<oci::SeccompSyscall> rules, const std::string& fallback = "SCMP_ACT_ERRNO") {
  oci::Seccomp seccomp;
  seccomp.defaultAction = fallback;
  seccomp.syscalls = std::move(rules);
  return seccomp;
}

seccomp_data call(int number, std::vector<std::uint64_t> args = {}, std::uint32_t arch = AUDIT_ARCH_X86_64) {
  seccomp_data data{};
  data.nr = number;
  data.arch = arch;
  for (std::size_t i = 0; i < args.size(); ++i) data.args[i] = args[i];
  return data;
}

std::uint32_t answer(const oci::Seccomp& seccomp, const seccomp_data& data) {
  std::vector<std::string> warnings;
  return evaluate(compile(seccomp, warnings).instructions, data).action;
}

class SeccompTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::seccomp_arch_native() != SCMP_ARCH_X86_64) GTEST_SKIP() << "the numbers here are those of x86_64";
  }
};

TEST_F(SeccompTest, EveryActionIsCompiled) {
  const std::pair<const char*, std::uint32_t> actions[] = {
      {"SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD},   {"SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS},
      {"SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD}, {"SCMP_ACT_TRAP", SECCOMP_RET_TRAP},
      {"SCMP_ACT_ERRNO", eperm},                    {"SCMP_ACT_TRACE", SECCOMP_RET_TRACE | EPERM},
      {"SCMP_ACT_LOG", SECCOMP_RET_LOG},            {"SCMP_ACT_NOTIFY", SECCOMP_RET_USER_NOTIF}};
  for (const auto& [word, expected] : actions) {
    auto seccomp = profile({{{"getcwd"}, word, {}, {}}}, "SCMP_ACT_ALLOW");
    EXPECT_EQ(answer(seccomp, call(SYS_getcwd)), expected) << word;
    EXPECT_EQ(answer(seccomp, call(SYS_getpid)), SECCOMP_RET_ALLOW) << word;
  }
}

TEST_F(SeccompTest, ErrnoReturnsAreKept) {
  auto seccomp = profile({{{"getcwd"}, "SCMP_ACT_ERRNO", 7, {}}});
  seccomp.defaultErrnoRet = 9;
  EXPECT_EQ(answer(seccomp, call(SYS_getcwd)), SECCOMP_RET_ERRNO | 7);
  EXPECT_EQ(answer(seccomp, call(SYS_chroot)), enosys) << "newer than the newest that is named";
  EXPECT_EQ(answer(seccomp, call(SYS_read)), SECCOMP_RET_ERRNO | 9);
}

TEST_F(SeccompTest, EveryOperatorCompares) {
  struct Case {
    const char* op;
    std::uint64_t value, two, matching, other;
  };
  const Case cases[] = {{"SCMP_CMP_NE", 5, 0, 4, 5}, {"SCMP_CMP_LT", 5, 0, 4, 5}, {"SCMP_CMP_LE", 5, 0, 5, 6},
                        {"SCMP_CMP_EQ", 5, 0, 5, 6}, {"SCMP_CMP_GE", 5, 0, 5, 4}, {"SCMP_CMP_GT", 5, 0, 6, 5},
                        {"SCMP_CMP_MASKED_EQ", 0xf0, 0x50, 0x5f, 0x6f}};
  for (const auto& c : cases) {
    const auto seccomp = profile({allow({"mprotect"}, {{2, c.value, c.two, c.op}}), allow({"write", "openat2"})});
    EXPECT_EQ(answer(seccomp, call(SYS_mprotect, {0, 0, c.matching})), SECCOMP_RET_ALLOW) << c.op;
    EXPECT_EQ(answer(seccomp, call(SYS_mprotect, {0, 0, c.other})), eperm) << c.op;
  }
}

TEST_F(SeccompTest, TwoConditionsOnOneArgumentMeanEither) {
  const auto seccomp = profile({allow({"mprotect"}, {{2, 1, 0, "SCMP_CMP_EQ"}, {2, 2, 0, "SCMP_CMP_EQ"}})});
  EXPECT_EQ(answer(seccomp, call(SYS_mprotect, {0, 0, 1})), SECCOMP_RET_ALLOW);
  EXPECT_EQ(answer(seccomp, call(SYS_mprotect, {0, 0, 2})), SECCOMP_RET_ALLOW);
  EXPECT_EQ(answer(seccomp, call(SYS_mprotect, {0, 0, 3})), eperm);
}

TEST_F(SeccompTest, SyscallsNewerThanTheProfileAnswerEnosys) {
  const auto seccomp = profile({allow({"read", "openat2"})});
  EXPECT_EQ(answer(seccomp, call(SYS_openat2)), SECCOMP_RET_ALLOW);
  EXPECT_EQ(answer(seccomp, call(SYS_openat2 - 1)), eperm);
  for (const int number : {SYS_openat2 + 1, 470, 600}) EXPECT_EQ(answer(seccomp, call(number)), enosys) << number;
}

TEST_F(SeccompTest, APermissiveProfileHasNoEnosys) {
  const auto seccomp = profile({{{"getcwd"}, "SCMP_ACT_ERRNO", {}, {}}}, "SCMP_ACT_ALLOW");
  EXPECT_EQ(answer(seccomp, call(600)), SECCOMP_RET_ALLOW);
}

TEST_F(SeccompTest, SyscallsThatTheLibraryDoesNotKnowAreAllowedByNumber) {
  const auto seccomp = profile({allow({"read", "statmount", "mseal"})});
  EXPECT_EQ(answer(seccomp, call(457)), SECCOMP_RET_ALLOW);
  EXPECT_EQ(answer(seccomp, call(462)), SECCOMP_RET_ALLOW);
  EXPECT_EQ(answer(seccomp, call(458)), eperm) << "listmount: known, not named, older than mseal";
  EXPECT_EQ(answer(seccomp, call(463)), enosys);
}

TEST_F(SeccompTest, UnknownNamesAreIgnoredWithOneWarning) {
  std::vector<std::string> warnings;
  (void)compile(profile({allow({"read", "no_such_call", "nor_this"})}), warnings);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("no_such_call, nor_this"), std::string::npos);
}

TEST_F(SeccompTest, A32BitArgumentCannotBeDisguised) {
  constexpr std::uint64_t vsock = 40, unix_family = 1, upper = 7ULL << 32;
  const auto not_vsock = profile({allow({"socket"}, {{0, vsock, 0, "SCMP_CMP_NE"}})});
  EXPECT_EQ(answer(not_vsock, call(SYS_socket, {unix_family})), SECCOMP_RET_ALLOW);
  EXPECT_EQ(answer(not_vsock, call(SYS_socket, {vsock})), eperm);
  EXPECT_EQ(answer(not_vsock, call(SYS_socket, {upper | vsock})), eperm);
  const auto only_unix = profile({allow({"socket"}, {{0, unix_family, 0, "SCMP_CMP_EQ"}})});
  EXPECT_EQ(answer(only_unix, call(SYS_socket, {upper | unix_family})), SECCOMP_RET_ALLOW) << "the kernel sees AF_UNIX";
  EXPECT_EQ(answer(only_unix, call(SYS_socket, {upper | vsock})), eperm);
  const auto deny_vsock = profile({{{"socket"}, "SCMP_ACT_ERRNO", {}, {{0, vsock, 0, "SCMP_CMP_EQ"}}}}, "SCMP_ACT_ALLOW");
  EXPECT_EQ(answer(deny_vsock, call(SYS_socket, {upper | vsock})), eperm);
}

TEST_F(SeccompTest, OtherArchitecturesFollowTheirOwnNumbers) {
  auto seccomp = profile({allow({"getpid"})});
  EXPECT_EQ(answer(seccomp, call(20, {}, AUDIT_ARCH_I386)), SECCOMP_RET_KILL_PROCESS) << "not listed";
  seccomp.architectures = {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86"};
  EXPECT_EQ(answer(seccomp, call(20, {}, AUDIT_ARCH_I386)), SECCOMP_RET_ALLOW);  // getpid of i386
  EXPECT_EQ(answer(seccomp, call(39, {}, AUDIT_ARCH_I386)), enosys);
  EXPECT_EQ(answer(seccomp, call(39)), SECCOMP_RET_ALLOW);
}

TEST_F(SeccompTest, UnknownWordsAreErrors) {
  std::vector<std::string> warnings;
  EXPECT_THROW((void)compile(profile({}, "SCMP_ACT_NOPE"), warnings), Error);
  auto seccomp = profile({});
  seccomp.architectures = {"SCMP_ARCH_Z80"};
  EXPECT_THROW((void)compile(seccomp, warnings), Error);
  seccomp = profile({});
  seccomp.flags = std::vector<std::string>{"SECCOMP_FILTER_FLAG_NOPE"};
  EXPECT_THROW((void)compile(seccomp, warnings), Error);
  EXPECT_THROW((void)compile(profile({allow({"read"}, {{0, 0, 0, "SCMP_CMP_NOPE"}})}), warnings), Error);
}

TEST_F(SeccompTest, FlagsAndListenerAreOfTheProfile) {
  std::vector<std::string> warnings;
  auto seccomp = profile({{{"getcwd"}, "SCMP_ACT_NOTIFY", {}, {}}}, "SCMP_ACT_ALLOW");
  EXPECT_EQ(compile(seccomp, warnings).flags, std::uint32_t{SECCOMP_FILTER_FLAG_SPEC_ALLOW}) << "as runc, when absent";
  EXPECT_TRUE(compile(seccomp, warnings).wants_listener);
  seccomp.flags.emplace();
  EXPECT_EQ(compile(seccomp, warnings).flags, 0U);
  seccomp.flags = {"SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_TSYNC"};
  EXPECT_EQ(compile(seccomp, warnings).flags, std::uint32_t{SECCOMP_FILTER_FLAG_LOG});
}

// A second opinion on the rules, written from the specification alone.
bool matches(const oci::SeccompArg& arg, std::uint64_t value, bool is_narrow) {
  if (is_narrow) value &= 0xffffffff;
  if (arg.op == "SCMP_CMP_NE") return value != arg.value;
  if (arg.op == "SCMP_CMP_LT") return value < arg.value;
  if (arg.op == "SCMP_CMP_LE") return value <= arg.value;
  if (arg.op == "SCMP_CMP_EQ") return value == arg.value;
  if (arg.op == "SCMP_CMP_GE") return value >= arg.value;
  if (arg.op == "SCMP_CMP_GT") return value > arg.value;
  return (value & arg.value) == arg.valueTwo;
}

TEST_F(SeccompTest, RandomProfilesAgreeWithTheReference) {
  std::mt19937_64 random(20261121);
  const auto pick = [&](std::uint64_t below) { return random() % below; };
  const char* names[] = {"read", "write", "socket", "ioctl", "mprotect", "personality", "getcwd", "openat2"};
  const char* ops[] = {"SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ"};
  for (int round = 0; round < 150; ++round) {
    oci::SeccompSyscall rule = allow({names[pick(7)]});
    const auto index = static_cast<std::uint32_t>(pick(3));
    if (pick(3) != 0) rule.args.push_back({index, pick(8), pick(8), ops[pick(7)]});
    if (!rule.args.empty() && rule.args[0].op == "SCMP_CMP_MASKED_EQ") rule.args[0].valueTwo &= rule.args[0].value;
    const auto seccomp = profile({rule, allow({"openat2"})});
    std::vector<std::string> warnings;
    const auto program = compile(seccomp, warnings).instructions;
    for (int sample = 0; sample < 400; ++sample) {
      const int number = static_cast<int>(pick(4) == 0 ? pick(600) : ::seccomp_syscall_resolve_name(names[pick(8)]));
      const auto data = call(number, {pick(10) | (pick(8) == 0 ? 1ULL << 32 : 0), pick(10), pick(10)});
      const int named = ::seccomp_syscall_resolve_name(rule.names[0].c_str());
      bool allowed = number == SYS_openat2;
      if (number == named) {
        bool all = true;
        for (const auto& arg : rule.args) {
          const bool is_narrow = argument_width(rule.names[0], arg.index) == 32;
          all = all && matches(arg, data.args[arg.index], is_narrow);
        }
        allowed = allowed || all;
      }
      const std::uint32_t expected = allowed ? SECCOMP_RET_ALLOW : number > SYS_openat2 ? enosys : eperm;
      ASSERT_EQ(evaluate(program, data).action, expected)
          << rule.names[0] << " " << (rule.args.empty() ? "" : rule.args[0].op) << " nr " << number;
    }
  }
}

TEST_F(SeccompTest, OneArgumentWrittenWith64BitsIsTheOneOf32) {
  const auto seccomp = profile({allow({"personality"}, {{0, 0xffffffffffffffff, 0, "SCMP_CMP_EQ"}})});
  EXPECT_EQ(answer(seccomp, call(SYS_personality, {0xffffffff})), SECCOMP_RET_ALLOW);
  EXPECT_EQ(answer(seccomp, call(SYS_personality, {0xffffffffffffffff})), SECCOMP_RET_ALLOW);
  EXPECT_EQ(answer(seccomp, call(SYS_personality, {0x7fffffff})), eperm);
}

TEST_F(SeccompTest, A16BitArgumentIsComparedAsTheKernelReadsIt) {
  const auto no_suid = profile({allow({"chmod"}, {{1, 04000, 0, "SCMP_CMP_MASKED_EQ"}}), allow({"openat2"})});
  EXPECT_EQ(answer(no_suid, call(SYS_chmod, {0, 0755})), SECCOMP_RET_ALLOW);
  EXPECT_EQ(answer(no_suid, call(SYS_chmod, {0, 04755})), eperm);
  const auto small = profile({allow({"chmod"}, {{1, 0777, 0, "SCMP_CMP_LE"}}), allow({"openat2"})});
  EXPECT_EQ(answer(small, call(SYS_chmod, {0, 0x10000 | 0755})), SECCOMP_RET_ALLOW) << "umode_t drops the upper bits";
  EXPECT_EQ(answer(small, call(SYS_chmod, {0, 01000})), eperm);
}

TEST_F(SeccompTest, ARefusalWithConditionsOutlivesAPermissionWithout) {
  const oci::SeccompSyscall refuse{{"socket"}, "SCMP_ACT_ERRNO", 13, {{0, 40, 0, "SCMP_CMP_EQ"}}};
  for (const auto& rules : {std::vector{allow({"socket"}), refuse}, std::vector{refuse, allow({"socket"})}}) {
    EXPECT_EQ(answer(profile(rules), call(SYS_socket, {40})), SECCOMP_RET_ERRNO | 13);
    EXPECT_EQ(answer(profile(rules), call(SYS_socket, {1})), SECCOMP_RET_ALLOW);
  }
}

TEST_F(SeccompTest, ArgumentsHiddenInAMultiplexerAreRefusedAltogether) {
  constexpr int socketcall = 102, sys_socket = 1, sys_bind = 2;
  auto seccomp = profile({{{"socket"}, "SCMP_ACT_ERRNO", {}, {{0, 40, 0, "SCMP_CMP_EQ"}}}}, "SCMP_ACT_ALLOW");
  seccomp.architectures = {"SCMP_ARCH_X86"};
  EXPECT_EQ(answer(seccomp, call(socketcall, {sys_socket}, AUDIT_ARCH_I386)), eperm);
  EXPECT_EQ(answer(seccomp, call(socketcall, {sys_bind}, AUDIT_ARCH_I386)), SECCOMP_RET_ALLOW);
  EXPECT_EQ(answer(seccomp, call(359, {40}, AUDIT_ARCH_I386)), eperm);
  seccomp.syscalls.push_back(allow({"socketcall"}));
  EXPECT_EQ(answer(seccomp, call(socketcall, {sys_socket}, AUDIT_ARCH_I386)), SECCOMP_RET_ALLOW) << "a word of its own";
}

TEST_F(SeccompTest, X32AnswersEnosysUnlessListed) {
  constexpr int x32 = 0x40000000;
  auto seccomp = profile({allow({"getpid", "openat2"})}, "SCMP_ACT_ERRNO");
  EXPECT_EQ(answer(seccomp, call(x32 | SYS_getpid)), enosys);
  EXPECT_EQ(answer(profile({}, "SCMP_ACT_ALLOW"), call(x32 | SYS_getpid)), enosys) << "also where all is allowed";
  seccomp.architectures = {"SCMP_ARCH_X86_64", "SCMP_ARCH_X32"};
  EXPECT_EQ(answer(seccomp, call(x32 | SYS_getpid)), SECCOMP_RET_ALLOW);
  EXPECT_EQ(answer(seccomp, call(x32 | SYS_read)), eperm);
}

TEST_F(SeccompTest, ProfilesLongerThanAJumpReaches) {
  std::vector<oci::SeccompSyscall> rules;
  for (std::uint64_t i = 0; i < 600; ++i) rules.push_back(allow({"ioctl"}, {{1, 3 * i, 0, "SCMP_CMP_EQ"}}));
  const auto seccomp = profile(rules);
  for (std::uint64_t i = 0; i < 1800; ++i)
    ASSERT_EQ(answer(seccomp, call(SYS_ioctl, {0, i})), i % 3 == 0 ? SECCOMP_RET_ALLOW : eperm) << i;
  rules.resize(5000, rules[0]);
  for (std::uint64_t i = 0; i < rules.size(); ++i) rules[i].args[0].value = i;
  std::vector<std::string> warnings;
  EXPECT_THROW((void)compile(profile(rules), warnings), Error) << "longer than the kernel takes";
}

class CacheTest : public SeccompTest {
 protected:
  CacheTest() : path_(::mkdtemp(template_)) {}
  ~CacheTest() override { (void)!std::system(("rm -rf " + path_).c_str()); }
  std::string only_entry() {
    const auto names = sys::list_directory(sys::openat(sys::at_cwd, folder(), O_RDONLY | O_DIRECTORY));
    return names.size() == 1 ? folder() + "/" + names[0] : "";
  }
  std::string folder() { return path_ + "/cache"; }
  char template_[64] = "/tmp/agentsafe-seccomp-XXXXXX";
  std::string path_;
  oci::Seccomp seccomp_ = profile({allow({"read"})});
  std::vector<std::string> warnings_;
};

TEST_F(CacheTest, AnswersTheSameProgram) {
  const auto first = compile_cached(seccomp_, folder(), warnings_);
  ASSERT_NE(only_entry(), "");
  EXPECT_EQ(compile_cached(seccomp_, folder(), warnings_).instructions, first.instructions);
  struct stat info {};
  ASSERT_EQ(::stat(folder().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U);
}

TEST_F(CacheTest, BelievesNoDamagedEntry) {
  const auto first = compile_cached(seccomp_, folder(), warnings_);
  const std::string entry = only_entry();
  const std::string good = sys::read_file(sys::at_cwd, entry);
  for (const std::size_t at : {std::size_t{0}, good.size() / 2, good.size() - 1}) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    sys::write_all(sys::openat(sys::at_cwd, entry, O_WRONLY | O_TRUNC), bad);
    EXPECT_EQ(compile_cached(seccomp_, folder(), warnings_).instructions, first.instructions);
    EXPECT_EQ(sys::read_file(sys::at_cwd, entry), good) << "it is replaced";
  }
}

TEST_F(CacheTest, BelievesNoEntryOrFolderThatOthersMayWrite) {
  const auto first = compile_cached(seccomp_, folder(), warnings_);
  ASSERT_EQ(::chmod(only_entry().c_str(), 0666), 0);
  EXPECT_EQ(compile_cached(seccomp_, folder(), warnings_).instructions, first.instructions);
  ASSERT_EQ(::chmod(folder().c_str(), 0777), 0);
  EXPECT_EQ(compile_cached(seccomp_, folder(), warnings_).instructions, first.instructions);
}

TEST_F(CacheTest, TellsProfilesApart) {
  const auto one = compile_cached(seccomp_, folder(), warnings_);
  seccomp_.syscalls[0].names.push_back("write");
  EXPECT_NE(compile_cached(seccomp_, folder(), warnings_).instructions, one.instructions);
}

}  // namespace
}  // namespace agentsafe::security
