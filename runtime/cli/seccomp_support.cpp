#include "runtime/cli/seccomp_support.h"

#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace agentsafe::cli {
namespace {

constexpr unsigned long wait_killable_recv = 1UL << 5;  // SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, Linux 5.19

}  // namespace

bool kernel_takes_seccomp_flag(unsigned long flag) {
  if (flag == wait_killable_recv) flag |= SECCOMP_FILTER_FLAG_NEW_LISTENER;  // it only goes with a listener
  // Without a program the kernel gets as far as EFAULT for flags that it knows.
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flag, nullptr) < 0 && errno == EFAULT;
}

}  // namespace agentsafe::cli
