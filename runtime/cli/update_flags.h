// What update's options ask for, as resources in which only that is present.
#pragma once
#include "oci/linux.h"
#include "runtime/base/log.h"
#include "runtime/cli/arguments.h"

namespace agentsafe::cli {

// Puts the options given on top of `resources` (those of --resources, or none). A memory limit of -1 without a limit
// for swap lifts that too, or the kernel would keep the old sum. Throws UsageError for a value that is not one; warns
// of the obsolete kernel memory limits.
void apply_update_flags(oci::Resources& resources, const Arguments& given, Log& log);

}  // namespace agentsafe::cli
