#include "runtime/security/seccomp_tables.h"

namespace agentsafe::security {
namespace {

struct NewSyscall {
  std::string_view name;
  std::uint32_t number;
};
constexpr NewSyscall new_syscalls[] = {  // asm-generic/unistd.h
    {"cachestat", 451},        {"fchmodat2", 452},        {"map_shadow_stack", 453}, {"futex_wake", 454},
    {"futex_wait", 455},       {"futex_requeue", 456},    {"statmount", 457},        {"listmount", 458},
    {"lsm_get_self_attr", 459}, {"lsm_set_self_attr", 460}, {"lsm_list_modules", 461}, {"mseal", 462},
    {"setxattrat", 463},       {"getxattrat", 464},       {"listxattrat", 465},      {"removexattrat", 466},
    {"open_tree_attr", 467},   {"file_getattr", 468},     {"file_setattr", 469},
};

struct Narrow {
  std::string_view name;
  unsigned arguments;
};
constexpr unsigned arg(int n) { return 1U << n; }
constexpr Narrow narrow[] = {
    {"socket", arg(0) | arg(1) | arg(2)},
    {"socketpair", arg(0) | arg(1) | arg(2)},
    {"socketcall", arg(0)},
    {"setsockopt", arg(0) | arg(1) | arg(2) | arg(4)},
    {"getsockopt", arg(0) | arg(1) | arg(2)},
    {"ioctl", arg(0) | arg(1)},
    {"fcntl", arg(0) | arg(1)},
    {"prctl", arg(0)},
    {"clone", arg(0)},  // kernel_clone takes lower_32_bits(clone_flags)
    {"personality", arg(0)},
    {"bpf", arg(0) | arg(2)},
    {"keyctl", arg(0)},
    {"seccomp", arg(0) | arg(1)},
    {"setns", arg(0) | arg(1)},
    {"kill", arg(0) | arg(1)},
    {"tgkill", arg(0) | arg(1) | arg(2)},
    {"tkill", arg(0) | arg(1)},
    {"umount2", arg(1)},
    {"open", arg(1) | arg(2)},
    {"openat", arg(0) | arg(2) | arg(3)},
    {"memfd_create", arg(1)},
    {"madvise", arg(2)},
    {"sched_setscheduler", arg(0) | arg(1)},
    {"syslog", arg(0)},
    {"reboot", arg(0) | arg(1) | arg(2)},
    {"quotactl", arg(0)},
    {"chmod", arg(1)},
    {"fchmod", arg(0) | arg(1)},
    {"fchmodat", arg(0) | arg(2)},
    {"mknod", arg(1) | arg(2)},
    {"mknodat", arg(0) | arg(2) | arg(3)},
    {"setuid", arg(0)},
    {"setgid", arg(0)},
    {"dup3", arg(0) | arg(1) | arg(2)},
    {"pipe2", arg(1)},
    {"eventfd2", arg(0) | arg(1)},
    {"epoll_create1", arg(0)},
    {"userfaultfd", arg(0)},
    {"perf_event_open", arg(1) | arg(2) | arg(3)},
    {"io_uring_setup", arg(0)},
    {"pidfd_open", arg(0) | arg(1)},
};

}  // namespace

std::optional<std::uint32_t> new_syscall(std::string_view name) {
  for (const auto& row : new_syscalls)
    if (row.name == name) return row.number;
  return std::nullopt;
}

unsigned narrow_arguments(std::string_view syscall) {
  for (const auto& row : narrow)
    if (row.name == syscall) return row.arguments;
  return 0;
}

}  // namespace agentsafe::security
