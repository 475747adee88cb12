#include "runtime/security/syscall_numbers.h"

#include <linux/audit.h>
#include <seccomp.h>

#include <algorithm>

#include "runtime/base/error.h"
#include "runtime/security/library_tables.h"

namespace agentsafe::security {
namespace {

constexpr std::uint32_t x32_bit = 0x40000000;

struct Row {
  std::string_view name;
  std::uint32_t number;
};

// Since 403 (Linux 5.1) a new syscall has one number everywhere, but for a base on MIPS and x32. libseccomp 2.5.4 ends
// at 456. Source: scripts/syscall.tbl of Linux 6.18.
constexpr Row newer_than_libseccomp[] = {
    {"statmount", 457},        {"listmount", 458},     {"lsm_get_self_attr", 459}, {"lsm_set_self_attr", 460},
    {"lsm_list_modules", 461}, {"mseal", 462},         {"setxattrat", 463},        {"getxattrat", 464},
    {"listxattrat", 465},      {"removexattrat", 466}, {"open_tree_attr", 467},    {"file_getattr", 468},
    {"file_setattr", 469},
};
// Only x86_64 has these: Linux 6.11 and 6.18.
constexpr Row newer_on_x86_64[] = {{"uretprobe", 335}, {"uprobe", 336}};

// i386 has these twice: under a number of their own (Linux 4.3 and 5.1) and inside a multiplexer.
struct Multiplexed {
  std::string_view name;
  std::uint32_t number;  // 0: none
  std::uint32_t call;
};
constexpr std::uint32_t socketcall_number = 102, ipc_number = 117;
constexpr Multiplexed in_socketcall[] = {
    {"socket", 359, 1},    {"bind", 361, 2},        {"connect", 362, 3},     {"listen", 363, 4},
    {"accept", 0, 5},      {"getsockname", 367, 6}, {"getpeername", 368, 7}, {"socketpair", 360, 8},
    {"send", 0, 9},        {"recv", 0, 10},         {"sendto", 369, 11},     {"recvfrom", 371, 12},
    {"shutdown", 373, 13}, {"setsockopt", 366, 14}, {"getsockopt", 365, 15}, {"sendmsg", 370, 16},
    {"recvmsg", 372, 17},  {"accept4", 364, 18},    {"recvmmsg", 337, 19},   {"sendmmsg", 345, 20},
};
constexpr Multiplexed in_ipc[] = {
    {"semop", 0, 1},     {"semget", 393, 2},  {"semctl", 394, 3},  {"semtimedop", 0, 4},
    {"msgsnd", 400, 11}, {"msgrcv", 401, 12}, {"msgget", 399, 13}, {"msgctl", 402, 14},
    {"shmat", 397, 21},  {"shmdt", 398, 22},  {"shmget", 395, 23}, {"shmctl", 396, 24},
};

template <class Rows>
auto find(const Rows& rows, std::string_view name) -> decltype(&rows[0]) {
  for (const auto& row : rows)
    if (row.name == name) return &row;
  return nullptr;
}

std::string_view name_of(const SyscallRow& row) { return syscall_names().substr(row.name_at, row.name_size); }

const SyscallRow* known_to_libseccomp(std::string_view name) {
  const auto rows = syscall_rows();
  const auto found =
      std::lower_bound(rows.begin(), rows.end(), name,
                       [](const SyscallRow& row, std::string_view other) { return name_of(row) < other; });
  return found != rows.end() && name_of(*found) == name ? &*found : nullptr;
}

// -1: not there.
std::int32_t number_in(const SyscallRow& row, const Architecture& architecture) {
  const auto at = std::find(table_architectures.begin(), table_architectures.end(), architecture.token);
  return at == table_architectures.end() ? -1 : row.numbers[static_cast<std::size_t>(at - table_architectures.begin())];
}

std::optional<std::uint32_t> newer_number(const std::string& name, const Architecture& architecture) {
  if (const Row* row = find(newer_than_libseccomp, name)) {
    return row->number + architecture.first;
  }
  const Row* row = find(newer_on_x86_64, name);
  if (row != nullptr && architecture.token == SCMP_ARCH_X86_64) return row->number;
  return std::nullopt;
}

std::vector<Target> multiplexed(const Multiplexed& row, std::uint32_t multiplexer, std::uint32_t call_mask) {
  std::vector<Target> all{{multiplexer, row.call, call_mask}};
  if (row.number != 0) all.push_back({row.number, std::nullopt});
  return all;
}

}  // namespace

Machine this_machine() {
#if defined(__x86_64__)
  return SCMP_ARCH_X86_64;
#elif defined(__aarch64__)
  return SCMP_ARCH_AARCH64;
#elif defined(__riscv) && __riscv_xlen == 64
  return SCMP_ARCH_RISCV64;
#else
  return 0;
#endif
}

std::vector<Architecture> runnable_architectures(Machine machine) {
  switch (machine) {
    case SCMP_ARCH_X86_64:
      return {{"SCMP_ARCH_X86_64", machine, AUDIT_ARCH_X86_64, 0, true},
              {"SCMP_ARCH_X86", SCMP_ARCH_X86, AUDIT_ARCH_I386, 0, false},
              {"SCMP_ARCH_X32", SCMP_ARCH_X32, AUDIT_ARCH_X86_64, x32_bit, true}};
    case SCMP_ARCH_AARCH64:
      return {{"SCMP_ARCH_AARCH64", machine, AUDIT_ARCH_AARCH64, 0, true},
              {"SCMP_ARCH_ARM", SCMP_ARCH_ARM, AUDIT_ARCH_ARM, 0, false}};
    case SCMP_ARCH_RISCV64: return {{"SCMP_ARCH_RISCV64", machine, AUDIT_ARCH_RISCV64, 0, true}};
    default: fail("compile linux.seccomp: filters are made for x86_64, aarch64 and riscv64 only; remove linux.seccomp");
  }
}

std::optional<Located> locate_architecture(std::string_view name) {
  std::string word = "SCMP_ARCH_";
  for (const char c : name) word += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  if (name.empty()) return Located{this_machine(), runnable_architectures(this_machine()).front()};
  for (const Machine machine : {SCMP_ARCH_X86_64, SCMP_ARCH_AARCH64, SCMP_ARCH_RISCV64})
    for (const auto& architecture : runnable_architectures(machine))
      if (architecture.word == word) return Located{machine, architecture};
  return std::nullopt;
}

std::string name_of_syscall(std::uint32_t number, const Architecture& architecture) {
  for (const SyscallRow& row : syscall_rows())
    if (const auto known = number_in(row, architecture); known >= 0 && static_cast<std::uint32_t>(known) == number)
      return std::string(name_of(row));
  const auto has_number = [&](const Row& row) { return newer_number(std::string(row.name), architecture) == number; };
  for (const Row& row : newer_than_libseccomp)
    if (has_number(row)) return std::string(row.name);
  for (const Row& row : newer_on_x86_64)
    if (has_number(row)) return std::string(row.name);
  return "";
}

std::vector<Target> targets(const std::string& name, const Architecture& architecture) {
  if (architecture.token == SCMP_ARCH_X86) {
    if (const auto* row = find(in_socketcall, name)) return multiplexed(*row, socketcall_number, ~0U);
    if (const auto* row = find(in_ipc, name)) return multiplexed(*row, ipc_number, 0xffff);
  }
  if (const SyscallRow* row = known_to_libseccomp(name)) {
    const std::int32_t number = number_in(*row, architecture);
    if (number >= 0) return {{static_cast<std::uint32_t>(number), std::nullopt}};
  }
  if (const auto newer = newer_number(name, architecture)) return {{*newer, std::nullopt}};
  return {};
}

bool is_known_syscall(const std::string& name) {
  return known_to_libseccomp(name) != nullptr || find(newer_than_libseccomp, name) != nullptr ||
         find(newer_on_x86_64, name) != nullptr;
}

}  // namespace agentsafe::security
