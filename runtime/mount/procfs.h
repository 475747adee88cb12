// Procfs through a handle that nobody else can change: a fresh, detached instance (fsopen "proc"), or, where the kernel
// refuses one (user namespaces whose /proc is not fully visible), /proc itself after its magic has been checked.
// Source: CVE-2019-16884, CVE-2025-52881; security.md rule 6.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/unique_fd.h"

namespace agentsafe::mount {

// Only the processes (subset=pid): self/attr/exec, self/oom_score_adj, self/fd/N, self/mountinfo.
[[nodiscard]] UniqueFd private_proc();

// Writes linux.sysctl: names with "." or "/", each value in one write and read back. The namespaces must be entered.
// `proc` is a procfs that nobody else can change; one without /proc/sys (private_proc) makes us mount another.
void write_sysctls(const std::vector<std::pair<std::string, std::string>>& sysctls, FdRef proc);

}  // namespace agentsafe::mount
