// Whether what criu has made out of a checkpoint is confined as the plan says. Checkpoints are untrusted: credentials,
// filters, namespaces and mounts come out of files that anybody may have written. Read back from /proc while the
// restored processes stand still; for containers of a policy.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/container/container.h"
#include "runtime/plan/plan.h"

namespace agentsafe::container {

// Of /proc/PID/status.
struct ProcessFacts {
  std::uint64_t capabilities = 0;  // of all sets together
  bool no_new_privileges = false;
  std::uint64_t seccomp_filters = 0;
};
// Throws for a text that lacks one of them.
[[nodiscard]] ProcessFacts read_facts(std::string_view status);
// What is less confined than the plan demands, in words; empty: nothing.
[[nodiscard]] std::string shortfall(const ProcessFacts& facts, const security::Confinement& confinement);

// Every process below the init, and the init's mounts. Throws for the first that is not as planned.
void check_restored(const plan::Plan& plan, const Container& container);

}  // namespace agentsafe::container
