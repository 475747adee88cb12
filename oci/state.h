// The state of a container as hooks get it on standard input, seccomp agents over their socket and callers from
// `agentsafe state`. Source: runtime-spec 1.3, runtime.md#state; config-linux.md#containerprocessstate.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace agentsafe::oci {

struct State {
  std::string ociVersion;
  std::string id;
  std::string status;    // creating created running stopped (paused: ours and runc's)
  std::int32_t pid = 0;  // as seen in the namespace of whoever reads it; 0 when stopped
  std::string bundle;
  std::map<std::string, std::string> annotations;
};

// One line of compact JSON, members in the order above, "/" not escaped, annotations left out when there are none.
[[nodiscard]] std::string to_json(const State& state);

// What a seccomp agent receives together with the notification descriptor: ociVersion, fds ["seccompFd"], pid (of the
// process that runs under the filter), metadata (left out when empty), state. Compact JSON.
[[nodiscard]] std::string container_process_state(const State& state, std::int32_t pid, const std::string& metadata);

}  // namespace agentsafe::oci
