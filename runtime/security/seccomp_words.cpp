#include "runtime/security/seccomp_words.h"

#include <linux/seccomp.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

namespace agentsafe::security {
namespace {

template <class Value>
struct Row {
  std::string_view word;
  Value value;
};

constexpr Row<std::uint32_t> actions[] = {
    {"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS},
    {"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD},
    {"SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD},
    {"SCMP_ACT_TRAP", SCMP_ACT_TRAP},
    {"SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(0)},
    {"SCMP_ACT_TRACE", SCMP_ACT_TRACE(0)},
    {"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW},
    {"SCMP_ACT_LOG", SCMP_ACT_LOG},
    {"SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY},
};
constexpr Row<std::uint32_t> architectures[] = {
    {"SCMP_ARCH_X86", SCMP_ARCH_X86},         {"SCMP_ARCH_X86_64", SCMP_ARCH_X86_64},
    {"SCMP_ARCH_X32", SCMP_ARCH_X32},         {"SCMP_ARCH_ARM", SCMP_ARCH_ARM},
    {"SCMP_ARCH_AARCH64", SCMP_ARCH_AARCH64}, {"SCMP_ARCH_MIPS", SCMP_ARCH_MIPS},
    {"SCMP_ARCH_MIPS64", SCMP_ARCH_MIPS64},   {"SCMP_ARCH_MIPS64N32", SCMP_ARCH_MIPS64N32},
    {"SCMP_ARCH_MIPSEL", SCMP_ARCH_MIPSEL},   {"SCMP_ARCH_MIPSEL64", SCMP_ARCH_MIPSEL64},
    {"SCMP_ARCH_MIPSEL64N32", SCMP_ARCH_MIPSEL64N32}, {"SCMP_ARCH_PPC", SCMP_ARCH_PPC},
    {"SCMP_ARCH_PPC64", SCMP_ARCH_PPC64},     {"SCMP_ARCH_PPC64LE", SCMP_ARCH_PPC64LE},
    {"SCMP_ARCH_S390", SCMP_ARCH_S390},       {"SCMP_ARCH_S390X", SCMP_ARCH_S390X},
    {"SCMP_ARCH_PARISC", SCMP_ARCH_PARISC},   {"SCMP_ARCH_PARISC64", SCMP_ARCH_PARISC64},
    {"SCMP_ARCH_RISCV64", SCMP_ARCH_RISCV64},
};
constexpr Row<scmp_compare> operators[] = {
    {"SCMP_CMP_NE", SCMP_CMP_NE}, {"SCMP_CMP_LT", SCMP_CMP_LT}, {"SCMP_CMP_LE", SCMP_CMP_LE},
    {"SCMP_CMP_EQ", SCMP_CMP_EQ}, {"SCMP_CMP_GE", SCMP_CMP_GE}, {"SCMP_CMP_GT", SCMP_CMP_GT},
    {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
};
constexpr Row<std::uint32_t> flags[] = {
    {"SECCOMP_FILTER_FLAG_TSYNC", 0},  // we load single-threaded: there is nothing to synchronise
    {"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
    {"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
    {"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV},
};

template <class Value, std::size_t N>
std::optional<Value> find(const Row<Value> (&table)[N], std::string_view word) {
  for (const auto& row : table)
    if (row.word == word) return row.value;
  return std::nullopt;
}

template <class Value, std::size_t N>
std::vector<std::string_view> words(const Row<Value> (&table)[N]) {
  std::vector<std::string_view> all;
  for (const auto& row : table) all.push_back(row.word);
  return all;
}

}  // namespace

std::optional<std::uint32_t> seccomp_action(std::string_view word) { return find(actions, word); }
std::string_view word_of_action(std::uint32_t action) {
  for (const auto& row : actions)
    if (row.value == (action & SECCOMP_RET_ACTION_FULL)) return row.word;
  return "SCMP_ACT_KILL_PROCESS";  // what the kernel does for values that it does not know
}
std::optional<std::uint32_t> seccomp_architecture(std::string_view word) { return find(architectures, word); }
std::optional<scmp_compare> seccomp_operator(std::string_view word) { return find(operators, word); }
std::optional<std::uint32_t> seccomp_flag(std::string_view word) { return find(flags, word); }
std::vector<std::string_view> seccomp_action_words() { return words(actions); }
std::vector<std::string_view> seccomp_architecture_words() { return words(architectures); }
std::vector<std::string_view> seccomp_operator_words() { return words(operators); }
std::vector<std::string_view> seccomp_flag_words() { return words(flags); }

}  // namespace agentsafe::security
