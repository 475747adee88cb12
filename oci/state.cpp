#include "oci/state.h"

#include "oci/json.h"

namespace agentsafe::oci {
namespace {

struct ProcessState {
  std::string ociVersion;
  std::vector<std::string> fds;
  std::int32_t pid = 0;
  std::string metadata;
  State state;
};

}  // namespace
}  // namespace agentsafe::oci

namespace agentsafe::json {
using oci::ProcessState;
using oci::State;

template <>
inline constexpr auto fields<State> =
    std::tuple{required("ociVersion", &State::ociVersion), required("id", &State::id),
               required("status", &State::status),         required("pid", &State::pid),
               required("bundle", &State::bundle),         optional("annotations", &State::annotations)};
template <>
inline constexpr auto fields<ProcessState> =
    std::tuple{required("ociVersion", &ProcessState::ociVersion), required("fds", &ProcessState::fds),
               required("pid", &ProcessState::pid), optional("metadata", &ProcessState::metadata),
               required("state", &ProcessState::state)};
}  // namespace agentsafe::json

namespace agentsafe::oci {

std::string to_json(const State& state) { return json::write(state); }

std::string container_process_state(const State& state, std::int32_t pid, const std::string& metadata) {
  return json::write(ProcessState{state.ociVersion, {"seccompFd"}, pid, metadata, state});
}

}  // namespace agentsafe::oci
