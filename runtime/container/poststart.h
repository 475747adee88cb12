// poststart hooks: after the user's program has been executed; a failing one only warns (runtime.md#lifecycle, 9).
#pragma once
#include "runtime/container/container.h"

namespace agentsafe::container {

void run_poststart_hooks(const Runtime& runtime, const Container& container, const oci::Spec& spec);

}  // namespace agentsafe::container
