// What create and run have in common.
#pragma once
#include "runtime/cli/invocation.h"

namespace agentsafe::cli {

void fill(container::CreateRequest& request, const Invocation& invocation);

}  // namespace agentsafe::cli
