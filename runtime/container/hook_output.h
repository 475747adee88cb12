// Where hooks print: the files of the annotations run.oci.hooks.stdout and run.oci.hooks.stderr (oci/annotations.h).
#pragma once
#include <vector>

#include "oci/spec.h"
#include "runtime/base/unique_fd.h"
#include "runtime/process/hooks.h"

namespace agentsafe::container {

struct HookOutput {
  UniqueFd output;  // empty: kept for the error
  UniqueFd error;

  // The descriptors stay ours: they must be open when the hooks run.
  void redirect(std::vector<process::HookPlan>& hooks) const;
};

// Opened for appending, made (0600) when missing.
[[nodiscard]] HookOutput open_hook_output(const oci::Spec& spec);

}  // namespace agentsafe::container
