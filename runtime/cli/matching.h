// crun's --regex: one command for several containers.
#pragma once
#include <string>
#include <vector>

#include "runtime/cli/invocation.h"

namespace agentsafe::cli {

// The ids that the POSIX extended regular expression matches somewhere, in their order. Throws UsageError when it is
// not one. Pure.
[[nodiscard]] std::vector<std::string> matching(const std::vector<std::string>& ids, const std::string& expression);

// The containers a command is for: the id given, or with --regex those that match it.
[[nodiscard]] std::vector<std::string> chosen_ids(const Invocation& invocation);

}  // namespace agentsafe::cli
