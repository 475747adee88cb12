// Decisions as a BPF program: per architecture a binary search over intervals of numbers, then the comparisons.
// A profile of engines (360 names, three architectures) takes about 300 instructions where libseccomp takes 1500.
#pragma once
#include <string>
#include <vector>

#include "runtime/security/seccomp_decisions.h"

namespace agentsafe::security {

// struct sock_filter each. Calls of an architecture without a section kill the process.
[[nodiscard]] std::string assemble(const std::vector<Section>& sections);

}  // namespace agentsafe::security
