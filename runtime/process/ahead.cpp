#include "runtime/process/ahead.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <utility>

#include "runtime/sys/fd.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

namespace agentsafe::process {
namespace {

constexpr const char* image_name = "agentsafe-init";

#ifdef __x86_64__

constexpr int all_seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
enum class Wanted : int { undecided, network, nothing };

// All that both sides know. The thread writes its descriptors before it ends; the kernel clears `thread` then (CLONE_CHILD_CLEARTID).
struct Shared {
  const char* bytes = nullptr;
  std::size_t size = 0;
  std::atomic<Wanted> wanted = Wanted::undecided;
  std::atomic<int> thread = 0;
  int image = -1;
  int network = -1;
};
Shared shared;
alignas(64) std::array<char, 16U << 10> stack;

// errno is one of both: the thread never writes it.
long quiet_call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0) {
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  asm volatile("syscall" : "+a"(number) : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8) : "rcx", "r11", "memory");
  return number;
}
long address(const void* object) { return reinterpret_cast<long>(object); }
void quiet_close(int& fd) {
  quiet_call(SYS_close, fd);
  fd = -1;
}

bool copy_image(int fd) {
  for (std::size_t at = 0; at < shared.size;) {
    const long n = quiet_call(SYS_write, fd, address(shared.bytes + at), static_cast<long>(shared.size - at));
    if (n <= 0) return false;
    at += static_cast<std::size_t>(n);
  }
  return quiet_call(SYS_fcntl, fd, F_ADD_SEALS, all_seals) == 0;
}

void make_image() {
  const long flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  long fd = quiet_call(SYS_memfd_create, address(image_name), flags | static_cast<long>(MFD_EXEC));
  if (fd == -EINVAL) fd = quiet_call(SYS_memfd_create, address(image_name), flags);  // before Linux 6.3
  if (fd < 0) return;
  shared.image = static_cast<int>(fd);
  if (!copy_image(shared.image)) quiet_close(shared.image);
}

void make_network_namespace() {
  if (quiet_call(SYS_unshare, CLONE_NEWNET) != 0) return;
  int socket = static_cast<int>(quiet_call(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC));
  if (socket < 0) return;
  ifreq loopback{};
  loopback.ifr_name[0] = 'l', loopback.ifr_name[1] = 'o';
  loopback.ifr_flags = IFF_UP | IFF_RUNNING;
  if (quiet_call(SYS_ioctl, socket, SIOCSIFFLAGS, address(&loopback)) == 0) {
    const long fd = quiet_call(SYS_ioctl, socket, SIOCGSKNS);
    if (fd >= 0) shared.network = static_cast<int>(fd);
  }
  quiet_close(socket);
}

// Signals are for the thread that waits for them.
[[noreturn]] __attribute__((no_sanitize("address", "undefined"))) void work() {
  const std::uint64_t all = ~std::uint64_t{0};
  quiet_call(SYS_rt_sigprocmask, 0 /* SIG_BLOCK */, address(&all), 0, sizeof all);
  make_image();
  while (shared.wanted.load() == Wanted::undecided)
    quiet_call(SYS_futex, address(&shared.wanted), FUTEX_WAIT_PRIVATE, static_cast<long>(Wanted::undecided));
  if (shared.wanted.load() == Wanted::network) make_network_namespace();
  for (;;) quiet_call(SYS_exit, 0);
}

// The thread begins on a stack of its own and does not come back from work().
void start_thread() {
  const long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_PARENT_SETTID |
                     CLONE_CHILD_CLEARTID;
  register std::atomic<int>* clear asm("r10") = &shared.thread;
  long result = SYS_clone;
  asm volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"
      "call *%[work]\n\t"
      "ud2\n"
      "1:"
      : "+a"(result)
      : "D"(flags), "S"(stack.data() + stack.size()), "d"(&shared.thread), "r"(clear), [work] "r"(&work)
      : "rcx", "r11", "memory", "cc");
}

void decide(Wanted wanted) {
  auto before = Wanted::undecided;
  if (!shared.wanted.compare_exchange_strong(before, wanted)) return;
  if (shared.thread.load() != 0) quiet_call(SYS_futex, address(&shared.wanted), FUTEX_WAKE_PRIVATE, 1);
}

#endif

UniqueFd taken(int& fd) { return UniqueFd(std::exchange(fd, -1)); }

}  // namespace

#ifdef __x86_64__

Ahead::Ahead(std::string_view image) : bytes_(image) {
  shared.bytes = image.data();
  shared.size = image.size();
  shared.wanted = Wanted::undecided;
  start_thread();
}

void Ahead::make_network() { decide(Wanted::network); }

void Ahead::finish() {
  decide(Wanted::nothing);
  // not FUTEX_WAIT_PRIVATE: the kernel's wake at the thread's end is not
  while (const int thread = shared.thread.load()) quiet_call(SYS_futex, address(&shared.thread), FUTEX_WAIT, thread);
}

UniqueFd Ahead::image() {
  finish();
  UniqueFd made = taken(shared.image);
  return made ? std::move(made) : sys::sealed_program(image_name, bytes_);
}

UniqueFd Ahead::network() {
  finish();
  return taken(shared.network);
}

Ahead::~Ahead() {
  finish();
  taken(shared.image).reset();
  taken(shared.network).reset();
}

#else

Ahead::Ahead(std::string_view image) : bytes_(image) {}
void Ahead::make_network() {}
void Ahead::finish() {}
UniqueFd Ahead::image() { return sys::sealed_program(image_name, bytes_); }
UniqueFd Ahead::network() { return {}; }
Ahead::~Ahead() = default;

#endif

}  // namespace agentsafe::process
