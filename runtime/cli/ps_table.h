// The text of ps(1), cut down to the processes of a container. Pure.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace agentsafe::cli {

// The heading and the lines whose PID column holds one of `pids`. Throws Error when there is no PID column, or a line
// has no number there.
[[nodiscard]] std::string filter_ps(std::string_view table, const std::vector<std::int32_t>& pids);

// "[1,22]\n", "[]\n"
[[nodiscard]] std::string pids_as_json(const std::vector<std::int32_t>& pids);

}  // namespace agentsafe::cli
