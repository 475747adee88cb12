// How state and list print containers, byte for byte as runc does it. Pure.
#pragma once
#include <string>
#include <vector>

#include "oci/json.h"
#include "runtime/container/requests.h"

namespace agentsafe::cli {

// A container as it is printed. owner: a user's name, or "#uid"; "" in the output of state.
struct PrintedState : container::ContainerState {
  std::string owner;
};

// Indented by two spaces, no newline at the end.
[[nodiscard]] std::string state_json(const PrintedState& state);
// One line: an array; "null" for no containers.
[[nodiscard]] std::string list_json(const std::vector<PrintedState>& states);
// ID PID STATUS BUNDLE CREATED OWNER; columns at least 12 wide, 3 spaces between them.
[[nodiscard]] std::string list_table(const std::vector<PrintedState>& states);

}  // namespace agentsafe::cli

template <>
inline constexpr auto agentsafe::json::fields<agentsafe::cli::PrintedState> =
    std::tuple{required("ociVersion", &cli::PrintedState::ociVersion),
               required("id", &cli::PrintedState::id),
               required("pid", &cli::PrintedState::pid),
               required("status", &cli::PrintedState::status),
               required("bundle", &cli::PrintedState::bundle),
               required("rootfs", &cli::PrintedState::rootfs),
               required("created", &cli::PrintedState::created),
               optional("annotations", &cli::PrintedState::annotations),
               required("owner", &cli::PrintedState::owner)};
