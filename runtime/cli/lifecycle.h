// What create, run and exec have in common.
#pragma once
#include "runtime/cli/invocation.h"

namespace agentsafe::cli {

// --preserve-fds. Throws when the caller has not left that many descriptors open from 3 on, behind those of LISTEN_FDS:
// the container must not get one of our own in the place of one that is missing.
[[nodiscard]] unsigned preserved_fds(const Invocation& invocation);

void fill(container::CreateRequest& request, const Invocation& invocation);

}  // namespace agentsafe::cli
