// The pipes that processes of a container hold, for criu: those of which it has one end only lead outside.
//
//   for (const HeldPipe& pipe : held_pipes(pid)) …   // {1, "pipe:[4711]", false, true}
//
// Source: proc_pid_fd(5).
#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

#include "runtime/base/unique_fd.h"

namespace agentsafe::container {

// A descriptor that is a pipe.
struct HeldPipe {
  int fd = 0;
  std::string name;  // "pipe:[4711]"
  bool reads = false;
  bool writes = false;
};

// None of a process that has ended, also when it ends meanwhile. Throws for one whose descriptors may not be seen.
[[nodiscard]] std::vector<HeldPipe> held_pipes(pid_t pid);
// The same of an open /proc/PID/fd.
[[nodiscard]] std::vector<HeldPipe> held_pipes(FdRef descriptors);

}  // namespace agentsafe::container
