// Resource limits, set from outside by the parent, which has the privileges. Source: config.md#posix-process, prlimit(2).
#pragma once
#include <sys/types.h>

#include <optional>
#include <string_view>

#include "runtime/security/confinement.h"

namespace agentsafe::security {

// "RLIMIT_NOFILE" → RLIMIT_NOFILE.
[[nodiscard]] std::optional<int> rlimit_of(std::string_view name);
[[nodiscard]] std::string_view name_of_rlimit(int resource);

// Throws naming the limit; a refused one (EPERM) names what it needs.
void set_rlimits(pid_t pid, const Confinement& confinement);

}  // namespace agentsafe::security
