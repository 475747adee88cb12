// Signals by number, NAME or SIGNAME, in any case: "9", "KILL", "sigkill", "RTMIN+3".
#pragma once
#include <string_view>

namespace agentsafe::container {

// Throws `unknown signal "X"`. 0 is accepted: it only probes.
[[nodiscard]] int signal_number(std::string_view name);

}  // namespace agentsafe::container
