// The man pages, made from the command table: agentsafe.8 and one agentsafe-COMMAND.8 for each command.
// Source: man(7), groff_man(7). Pure.
#pragma once
#include <string>

#include "runtime/cli/command.h"

namespace agentsafe::cli {

[[nodiscard]] std::string program_man_page();
[[nodiscard]] std::string command_man_page(const Command& command);

}  // namespace agentsafe::cli
