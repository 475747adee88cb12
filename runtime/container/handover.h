// The last part of starting a process, the same for create, run and exec: from the init's Ready to the user's program
// (protocol in channel.h). Rlimits and the OOM score are set from outside, where the privileges are; descriptors go to
// whoever asked for them.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "oci/spec.h"
#include "oci/state.h"
#include "runtime/base/log.h"
#include "runtime/container/launch.h"

namespace agentsafe::container {

struct Handover {
  const security::Confinement& confinement;
  std::optional<std::int32_t> oom_score_adj;
  std::string console_socket;      // empty: the master stays with us
  std::string pidfd_socket;
  const char* pidfd_name = "standard";
  const oci::Seccomp* seccomp = nullptr;  // with a listener, the agent gets the state below
  oci::State state;                // pid and status filled in by the caller
};

// Waits for Ready, does the above, calls `before_release` (save the state), lets the init go on and serves the seccomp
// listener. Answers the console's master when there is a terminal and no console socket.
[[nodiscard]] UniqueFd hand_over(Launched& launched, const Handover& handover,
                                 const std::function<void()>& before_release);

// run and exec: the end of file says that execve succeeded; Failed is thrown.
void await_execution(Launched& launched);

// PATH gets the pid in decimal, without a newline, atomically.
void write_pid_file(const std::string& path, pid_t pid);

}  // namespace agentsafe::container
