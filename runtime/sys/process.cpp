#include "runtime/sys/process.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <poll.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <span>

#include "runtime/base/error.h"
#include "runtime/base/scope.h"
#include "runtime/base/text.h"
#include "runtime/sys/fd.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

namespace agentsafe::sys {
namespace {

void check(long result, const char* call) {
  if (result == -1) fail_errno(call);
}

int run_to_exit(const std::function<int()>& body) noexcept {
  try {
    return body();
  } catch (...) {
    return 1;
  }
}

// clone(2), under a seccomp filter that does not let clone3(2) through (Docker's): its flags have no room for
// CLONE_NEWTIME, and it knows no cgroup.
long clone_by_flags(const clone_args& args) {
  if ((args.flags & (CSIGNAL | CLONE_INTO_CGROUP)) != 0) return -1;
  return ::syscall(SYS_clone, args.flags | args.exit_signal, nullptr, args.pidfd, nullptr, nullptr);
}

[[noreturn]] void end_with(const std::function<int()>* body) { ::_exit(run_to_exit(*body)); }

// The child, which has our stack, goes on far below our frame, and does not come back to it. 0 or less: as syscall(2)
// says it to the parent.
#ifdef __x86_64__
constexpr bool can_share_memory = true;
long clone3_sharing(clone_args& args, const std::function<int()>& body) {
  args.flags |= CLONE_VM | CLONE_VFORK;
  long result = SYS_clone3;
  asm volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "sub $256, %%rsp\n\t"  // the red zone is the parent's
      "and $-16, %%rsp\n\t"
      "mov %[body], %%rdi\n\t"
      "call *%[child]\n\t"
      "ud2\n"
      "1:"
      : "+a"(result)
      : "D"(&args), "S"(sizeof args), [child] "r"(&end_with), [body] "r"(&body)
      : "rcx", "r11", "memory", "cc");
  if (result >= 0) return result;
  errno = static_cast<int>(-result);
  return -1;
}
#else
constexpr bool can_share_memory = false;
long clone3_sharing(clone_args&, const std::function<int()>&) { return -1; }
#endif

}  // namespace

Child clone3(const CloneOptions& options, const std::function<int()>& body) {
  int pidfd = -1;
  clone_args args{};
  args.flags = options.flags | CLONE_PIDFD | (options.cgroup_fd >= 0 ? CLONE_INTO_CGROUP : 0ULL);
  args.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
  args.exit_signal = (options.flags & CLONE_PARENT) != 0 ? 0 : SIGCHLD;
  args.cgroup = options.cgroup_fd >= 0 ? static_cast<std::uint64_t>(options.cgroup_fd) : 0;
  long pid = options.shares_memory && can_share_memory ? clone3_sharing(args, body)
                                                       : ::syscall(SYS_clone3, &args, sizeof args);
  args.flags &= ~std::uint64_t{CLONE_VM | CLONE_VFORK};
  if (pid < 0 && (errno == ENOSYS || errno == EPERM)) pid = clone_by_flags(args);
  if (pid < 0) fail_errno("clone3");
  if (pid == 0) ::_exit(run_to_exit(body));
  return {static_cast<pid_t>(pid), UniqueFd(pidfd)};
}

UniqueFd try_pidfd_open(pid_t pid) {
  UniqueFd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  // The number of a process that has gone, but whose session or group lives on: EINVAL before Linux 6.16.
  if (!fd && errno == EINVAL && pid > 0) errno = ESRCH;
  if (!fd && errno != ESRCH) fail_errno("pidfd_open");
  return fd;
}

UniqueFd pidfd_open(pid_t pid) {
  UniqueFd fd = try_pidfd_open(pid);
  if (!fd) fail_errno("pidfd_open");
  return fd;
}

bool pidfd_send_signal(FdRef pidfd, int signal) {
  if (::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) == 0) return true;
  if (errno != ESRCH) fail_errno("send signal " + std::to_string(signal));
  return false;
}

UniqueFd pidfd_getfd(FdRef pidfd, int fd) {
  UniqueFd copy(static_cast<int>(::syscall(SYS_pidfd_getfd, pidfd.get(), fd, 0)));
  if (!copy) fail_errno("pidfd_getfd");
  return copy;
}

std::optional<pid_t> pid_of(FdRef pidfd) {
  const auto info = read_file(at_cwd, "/proc/self/fdinfo/" + std::to_string(pidfd.get()));
  for (const auto line : text::lines(info))
    if (line.starts_with("Pid:")) return text::parse<pid_t>(text::trim(line.substr(4)));
  return std::nullopt;
}

std::optional<ProcessStat> process_stat(pid_t pid) {
  const auto stat = try_read_record(at_cwd, "/proc/" + std::to_string(pid) + "/stat");
  if (!stat) return std::nullopt;
  const auto after_name = stat->rfind(')');
  if (after_name == std::string::npos) return std::nullopt;
  const auto fields = text::words(std::string_view(*stat).substr(after_name + 1));
  constexpr std::size_t start_time = 22 - 3;  // the fields after "pid (name)" begin with the third
  if (fields.size() <= start_time) return std::nullopt;
  const auto ticks = text::parse<std::uint64_t>(fields[start_time]);
  if (!ticks) return std::nullopt;
  return ProcessStat{fields[0][0], *ticks};
}

Exit wait(FdRef pidfd) {
  siginfo_t info{};
  while (::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd.get()), &info, WEXITED | __WALL) != 0)
    if (errno != EINTR) fail_errno("wait for a child");
  if (info.si_code == CLD_EXITED) return {info.si_status, 0};
  return {0, info.si_status};
}

std::optional<Exit> wait_for(FdRef pidfd, std::chrono::milliseconds limit) {
  if (!wait_readable(pidfd, limit)) return std::nullopt;
  return wait(pidfd);
}

bool wait_readable(FdRef fd, std::chrono::milliseconds limit) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + limit;
  pollfd poll_fd{fd.get(), POLLIN, 0};
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    const int timeout = limit.count() < 0 ? -1 : static_cast<int>(left < 0 ? 0 : left);
    const int n = ::poll(&poll_fd, 1, timeout);
    if (n > 0) return true;
    if (n == 0) return false;
    if (errno != EINTR) fail_errno("poll");
  }
}

namespace {

// The helper has our memory while we go on: it may not allocate, throw, or fail a call, which would set our errno.
int wait_for_the_end(void* pipe) {
  const auto& ends = *static_cast<const Pipe*>(pipe);
  ::close(ends.write_end.get());  // so that the end of the runtime ends the helper too
  char byte = 0;
  return static_cast<int>(::read(ends.read_end.get(), &byte, 1));
}

// Small, for it is zeroed at each use; read(2) as the address sanitizer wraps it takes more.
#ifdef __SANITIZE_ADDRESS__
constexpr std::size_t helper_stack = 32768;
#else
constexpr std::size_t helper_stack = 2048;
#endif

Child clone_waiting(int flags, Pipe& pipe, std::span<std::byte> stack) {
  int pidfd = -1;
  const int pid = ::clone(wait_for_the_end, stack.data() + stack.size(), CLONE_VM | CLONE_PIDFD | SIGCHLD | flags, &pipe,
                          &pidfd, nullptr, nullptr);
  if (pid < 0) fail_errno("clone");
  return {pid, UniqueFd(pidfd)};
}

}  // namespace

UniqueFd user_namespace(const std::string& uid_map, const std::string& gid_map) {
  Pipe ends = pipe();
  alignas(16) std::array<std::byte, helper_stack> stack;
  const Child helper = clone_waiting(CLONE_NEWUSER, ends, stack);
  OnExit end([&] {
    pidfd_send_signal(helper.pidfd, SIGKILL);
    wait(helper.pidfd);
  });
  const std::string proc = "/proc/" + std::to_string(helper.pid);
  write_file(at_cwd, proc + "/uid_map", uid_map);
  write_file(at_cwd, proc + "/gid_map", gid_map);
  return openat(at_cwd, proc + "/ns/user", O_RDONLY);
}

void setns(FdRef ns, int flags) { check(::setns(ns.get(), flags), "setns"); }
void unshare(int flags) { check(::unshare(flags), "unshare"); }

void set_dumpable(bool on) { check(::prctl(PR_SET_DUMPABLE, on ? 1 : 0), "PR_SET_DUMPABLE"); }
void set_no_new_privileges() { check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS"); }
void set_keep_capabilities(bool on) { check(::prctl(PR_SET_KEEPCAPS, on ? 1 : 0), "PR_SET_KEEPCAPS"); }
void set_file_ids(uid_t uid, gid_t gid) {
  (void)::setfsgid(gid);
  (void)::setfsuid(uid);  // takes the capabilities over files out of the effective set
  if (::setfsuid(static_cast<uid_t>(-1)) != static_cast<int>(uid) ||
      ::setfsgid(static_cast<gid_t>(-1)) != static_cast<int>(gid))
    fail_errno("make files as " + std::to_string(uid), EPERM);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  check(::syscall(SYS_capget, &header, data), "capget");
  for (auto& half : data) half.effective = half.permitted;
  check(::syscall(SYS_capset, &header, data), "capset");
}

void set_child_subreaper(bool on) { check(::prctl(PR_SET_CHILD_SUBREAPER, on ? 1 : 0), "PR_SET_CHILD_SUBREAPER"); }
void set_parent_death_signal(int signal) { check(::prctl(PR_SET_PDEATHSIG, signal), "PR_SET_PDEATHSIG"); }

int parent_death_signal() {
  int signal = 0;
  check(::prctl(PR_GET_PDEATHSIG, &signal), "PR_GET_PDEATHSIG");
  return signal;
}

void set_affinity(const std::string& mask) {
  check(::sched_setaffinity(0, mask.size(), reinterpret_cast<const cpu_set_t*>(mask.data())), "sched_setaffinity");
}

std::optional<UidMap> own_uid_map() {
  const auto text = try_read_file(at_cwd, "/proc/self/uid_map");
  return text ? std::optional(parse_uid_map(*text)) : std::nullopt;
}

std::optional<bool> in_initial_user_namespace() {
  const auto map = own_uid_map();
  return map ? std::optional(is_initial(*map)) : std::nullopt;
}

std::string boot_id() {
  return std::string(text::trim(read_record(at_cwd, "/proc/sys/kernel/random/boot_id")));
}

// "0-3,6" → 5
unsigned online_processors() {
  const std::string text = read_file(at_cwd, "/sys/devices/system/cpu/online");
  unsigned count = 0;
  for (const auto range : text::split(text::trim(text), ',')) {
    const auto ends = text::split(range, '-');
    const auto first = text::parse<unsigned>(ends.front()), last = text::parse<unsigned>(ends.back());
    if (!first || !last || *last < *first) fail("read /sys/devices/system/cpu/online: unexpected text");
    count += *last - *first + 1;
  }
  return count;
}

void prlimit(pid_t pid, int resource, const rlimit& limit) {
  check(::prlimit(pid, static_cast<__rlimit_resource>(resource), &limit, nullptr), "prlimit");
}

std::vector<char*> c_strings(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const auto& string : strings) pointers.push_back(const_cast<char*>(string.c_str()));  // execve's own habit
  pointers.push_back(nullptr);
  return pointers;
}

int execveat(FdRef program, const std::vector<std::string>& args, const std::vector<std::string>& env) {
  ::syscall(SYS_execveat, program.get(), "", c_strings(args).data(), c_strings(env).data(), AT_EMPTY_PATH);
  return errno;
}

}  // namespace agentsafe::sys
