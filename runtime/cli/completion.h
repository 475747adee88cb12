// Completion files for shells, made from the command table. Sources: bash(1) "Programmable Completion",
// zshcompsys(1), fish-completions(7). Pure.
#pragma once
#include <string>

namespace agentsafe::cli {

[[nodiscard]] std::string bash_completion();
[[nodiscard]] std::string zsh_completion();
[[nodiscard]] std::string fish_completion();

}  // namespace agentsafe::cli
