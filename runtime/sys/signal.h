// Signals. Source: signal(7), sigprocmask(2), sigaction(2), signalfd(2).
#pragma once
#include <vector>

#include "runtime/base/unique_fd.h"

namespace agentsafe::sys {

// For a program about to be started: nothing blocked, every disposition the default (an ignored SIGPIPE or SIGCHLD
// would be inherited across execve).
void reset_signals();
void ignore_signal(int signal);

// Blocks every signal that can be and answers a signalfd(2) that delivers them instead.
UniqueFd signalfd_of_all();
// The next signal from it; 0 when none is pending (the descriptor is non-blocking).
int next_signal(FdRef signalfd);

}  // namespace agentsafe::sys
