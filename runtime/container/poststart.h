// poststart hooks: after the user's program has been executed; a failing one only warns (runtime.md#lifecycle, 9).
#pragma once
#include "runtime/container/container.h"

namespace agentsafe::container {

void run_poststart_hooks(const Runtime& runtime, const Container& container);

}  // namespace agentsafe::container
