// Our evaluator against the kernel at hand: every number of every profile, with arguments that its rules are about.
// Nothing is ever carried out: a filter below the profile refuses whatever the profile permits with an errno of its own
// (of two errnos the newer filter's is answered, and any errno goes before a permission).
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <vector>

#include "runtime/security/evaluate.h"
#include "runtime/security/profiles.h"
#include "runtime/sys/process.h"

#ifdef __x86_64__

namespace agentsafe::security {
namespace {

constexpr int would_run = 4000;                          // no errno of the kernel
constexpr std::uint64_t cookie = 0x5eccc0de5eccc0deULL;  // the sixth argument of the test's own call
constexpr int last_number = 600;
constexpr std::uint64_t high = 1ULL << 32, sign = 1ULL << 31, all = ~0ULL;

using Args = std::array<std::uint64_t, 4>;

constexpr Args vectors[] = {
    {0, 0, 0, 0},
    {1, 1, 1, 1},
    {all, all, all, all},
    {sign, sign, sign, sign},
    {high, high, high, high},
    // socket: plain, upper bits set, sign bits
    {1, 1, 0, 0},
    {2, 1, 6, 0},
    {2 | high, 1, 6 | high, 0},
    {10, 2, 17, 0},
    {2, 1, 262, 0},
    {10, 1, 132, 0},
    {2 | high, 1, 132 | high, 0},
    {2, 10, 0, 0},
    {2, 10 | high, 0, 0},
    {16, 3, 0, 0},
    {16, 3, 9, 0},
    {16, 3, 16, 0},
    {16 | high, 3, 16 | high, 0},
    {17, 3, 0, 0},
    {38, 5, 0, 0},
    {40, 1, 0, 0},
    {7 * high | 40, 1, 0, 0},
    {1 | sign, 1, 0, 0},
    // clone, unshare, setns
    {0x10000011, 0, 0, 0},
    {0x10000011 | high, 0, 0, 0},
    {0x20000, 0x20000, 0, 0},
    {0x7e020080, 0, 0, 0},
    {0x80, 0, 0, 0},
    {0x3d0f00, 0, 0, 0},
    {0, 0x10000000, 0, 0},
    {0, 0x10000000 | high, 0, 0},
    {0, 0x40000000, 0, 0},
    // ioctl, prctl, personality, seccomp
    {0, 0x5412, 0, 0},
    {0, 0x5412 | high, 0, 0},
    {0, 0x541c, 0, 0},
    {0, 0x5413, 0, 0},
    {35, 0, 0, 0},
    {62 | high, 0, 0, 0},
    {8, 0, 0, 0},
    {0x40000, 0, 0, 0},
    {0x60008, 0, 0, 0},
    {0x400000, 0, 0, 0},
    {0x440000 | high, 0, 0, 0},
    {0xffffffff, 0, 0, 0},
    {1, 8, 0, 0},
    {1, 9, 0, 0},
    {1 | high, 8 | high, 0, 0},
    {1, 1, 0, 0},
    // setsockopt
    {0, 6, 31, 0},
    {0, 6 | high, 31 | high, 0},
    {0, 17, 100, 0},
    {0, 0, 17, 0},
    {0, 0, 16, 0},
    {0, 41, 35, 0},
    {0, 0, 64, 0},
    {0, 41, 64, 0},
    {0, 279, 1, 0},
    {0, 1, 31, 0},
};
constexpr std::size_t vector_count = std::size(vectors);

// Calls with the cookie run, all others do not.
std::vector<sock_filter> nothing_runs() {
  constexpr std::uint32_t sixth = offsetof(seccomp_data, args) + 5 * 8;
  return {{BPF_LD | BPF_W | BPF_ABS, 0, 0, sixth},
          {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, static_cast<std::uint32_t>(cookie)},
          {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
          {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | would_run}};
}

std::vector<sock_filter> instructions_of(const Profile& profile) {
  std::vector<sock_filter> filter(profile.instructions.size() / sizeof(sock_filter));
  std::memcpy(filter.data(), profile.instructions.data(), profile.instructions.size());
  return filter;
}

// The raw call: libc's would read errno's place after a call that may have ended it.
long raw_call(long number, const Args& args, std::uint64_t sixth) {
  register std::uint64_t fourth asm("r10") = args[3];
  register std::uint64_t fifth asm("r8") = 0;
  register std::uint64_t last asm("r9") = sixth;
  long result = number;
  asm volatile("syscall"
               : "+a"(result)
               : "D"(args[0]), "S"(args[1]), "d"(args[2]), "r"(fourth), "r"(fifth), "r"(last)
               : "rcx", "r11", "memory");
  return result;
}

int expected(const Profile& profile, std::uint32_t number, const Args& args, std::uint32_t arch = AUDIT_ARCH_X86_64) {
  seccomp_data data{};
  data.nr = static_cast<int>(number);
  data.arch = arch;
  std::copy(args.begin(), args.end(), data.args);
  const auto action = evaluate(profile.instructions, data).action;
  if (action == SECCOMP_RET_ALLOW) return would_run;
  if ((action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO) return static_cast<int>(action & SECCOMP_RET_DATA);
  return -1;  // the process ends
}

// Since Linux 6.14 no filter sees what the kernel itself calls from a probed function: these two numbers.
bool passes_filters(std::uint32_t number) { return number == 335 || number == 336; }

class ProfileTest : public testing::TestWithParam<Profile> {
 protected:
  // What the kernel answers to all numbers from `first` on, one row per vector.
  std::vector<short> asked(std::uint32_t first) {
    const std::size_t size = vector_count * (last_number + 1) * sizeof(short);
    auto* const answers =
        static_cast<short*>(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    auto below = nothing_runs(), profile = instructions_of(GetParam());
    const sys::Child child = sys::clone3({}, [&] {
      load_both(below, profile);
      for (std::size_t row = 0; row < vector_count; ++row)
        for (std::uint32_t n = 0; n <= last_number; ++n)
          if (!passes_filters(n))
            answers[row * (last_number + 1) + n] = static_cast<short>(-raw_call(first + n, vectors[row], 0));
      raw_call(SYS_exit_group, {0, 0, 0, 0}, cookie);
      return 1;
    });
    EXPECT_EQ(sys::wait(child.pidfd).status(), 0);
    std::vector<short> copy(answers, answers + vector_count * (last_number + 1));
    ::munmap(answers, size);
    return copy;
  }

  // From here on nothing runs but calls with the cookie. Allocates nothing: that may take a system call.
  static void load_both(std::vector<sock_filter>& below, std::vector<sock_filter>& profile) {
    sys::set_no_new_privileges();
    for (auto* const filter : {&below, &profile}) {
      const sock_fprog code{static_cast<unsigned short>(filter->size()), filter->data()};
      const auto address = reinterpret_cast<std::uint64_t>(&code);
      const long result = raw_call(SYS_seccomp, {SECCOMP_SET_MODE_FILTER, 0, address, 0}, cookie);
      if (result != 0) raw_call(SYS_exit_group, {static_cast<std::uint64_t>(-result), 0, 0, 0}, cookie);
    }
  }

  void compare(std::uint32_t first) {
    const auto answers = asked(first);
    unsigned compared = 0;
    for (std::size_t row = 0; row < vector_count; ++row)
      for (std::uint32_t n = 0; n <= last_number; ++n) {
        if (passes_filters(n)) continue;
        ++compared;
        ASSERT_EQ(answers[row * (last_number + 1) + n], expected(GetParam(), first + n, vectors[row]))
            << GetParam().name << " number " << first + n << " vector " << row;
      }
    EXPECT_EQ(compared, vector_count * (last_number - 1));
  }
};

TEST_P(ProfileTest, TheKernelAnswersAsTheEvaluatorDoesOnX86_64) { compare(0); }
TEST_P(ProfileTest, TheKernelAnswersAsTheEvaluatorDoesOnX32) { compare(0x40000000); }

// Some virtual machines run 64-bit code only, whatever the kernel was configured for.
bool has_32_bit_entry() {
  const sys::Child child = sys::clone3({}, [] {
    int result = 20;  // getpid
    asm volatile("int $0x80" : "+a"(result)::"memory", "r8", "r9", "r10", "r11");
    return 0;
  });
  return sys::wait(child.pidfd).status() == 0;
}

TEST_P(ProfileTest, EveryCallOfI386EndsTheProcess) {
  if (!has_32_bit_entry()) GTEST_SKIP() << "this kernel has no 32-bit entry (IA-32 emulation is off)";
  auto below = nothing_runs(), profile = instructions_of(GetParam());
  for (int number = 0; number <= last_number; ++number) {
    ASSERT_EQ(expected(GetParam(), static_cast<std::uint32_t>(number), {}, AUDIT_ARCH_I386), -1) << number;
    const sys::Child child = sys::clone3({}, [&] {
      load_both(below, profile);
      int result = number;
      asm volatile("int $0x80" : "+a"(result)::"memory", "r8", "r9", "r10", "r11");
      raw_call(SYS_exit_group, {0, 0, 0, 0}, cookie);
      return 0;
    });
    ASSERT_EQ(sys::wait(child.pidfd).status(), 128 + SIGSYS) << number;
  }
}

INSTANTIATE_TEST_SUITE_P(All, ProfileTest, testing::ValuesIn(profiles().begin(), profiles().end()),
                         [](const auto& one) { return std::string(one.param.name.substr(6)); });

}  // namespace
}  // namespace agentsafe::security

#endif
