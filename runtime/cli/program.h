// From a command line to an exit status: global options, log, command, errors.
#pragma once
#include <string>
#include <vector>

#include "runtime/cli/environment.h"
#include "runtime/cli/invocation.h"

namespace agentsafe::cli {

// program: argv[0]; words: the others. Answers go to `print`, errors to the log that --log names (or standard error)
// and nowhere else; nothing is thrown. Exit status: the container's for run and exec in the foreground; 0; 1 for
// errors, of `exec` 255 (1 when its own command line is wrong).
[[nodiscard]] int run_program(const std::string& program, const std::vector<std::string>& words,
                              const Environment& environment, const Print& print);

}  // namespace agentsafe::cli
