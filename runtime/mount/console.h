// The terminal of a process. Source: config.md#process (terminal, consoleSize), pty(7), CVE-2025-52565.
//
//   Console console = mount::open_console({24, 80}, uid, true);     // inside the container, after pivot_root
//   …send console.master to the runtime…                           // 0, 1, 2 are the terminal now, and controlling
#pragma once
#include <cstdint>

#include "runtime/base/unique_fd.h"

namespace agentsafe::mount {

struct ConsoleSize {
  std::uint16_t height = 0;  // both 0: left as the kernel has it
  std::uint16_t width = 0;
};

struct Console {
  UniqueFd master;
};

// A new pseudo-terminal of the container's own devpts, by descriptor all the way: master from <devpts>/ptmx, verified
// by magic and device number; peer by TIOCGPTPEER. The caller leads its session (setsid) and gets the peer as 0, 1, 2
// and as controlling terminal; it is given to `uid`. makes_dev_console: /dev/console becomes the peer too.
[[nodiscard]] Console open_console(const ConsoleSize& size, std::uint32_t uid, bool makes_dev_console);

// Each of 0, 1, 2 that is the host's /dev/null becomes the container's, so that nothing of the host's /dev is
// reachable.
void reopen_null_stdio();

}  // namespace agentsafe::mount
