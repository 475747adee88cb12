// What --help and --version print, from the command table. Pure.
#pragma once
#include <string>
#include <string_view>

#include "runtime/cli/command.h"

namespace agentsafe::cli {

[[nodiscard]] std::string program_usage();
[[nodiscard]] std::string command_usage(const Command& command);

// "-b, --bundle=DIR", "--debug"
[[nodiscard]] std::string option_term(const Option& option);
// "agentsafe [OPTION...] create [OPTION...] CONTAINER-ID"
[[nodiscard]] std::string synopsis(const Command& command);

// The last part of argv[0], which version and errors begin with: from a link named runc, go-runc looks for "runc
// version", and others for "runc create failed: ".
[[nodiscard]] std::string_view program_name(std::string_view program);
// "NAME version 0.1.0\ncommit: …\nspec: 1.3.0\nlibseccomp: 2.5.4\n". program: argv[0]. No other line may hold the word
// "version": dockerd takes the last one that does.
[[nodiscard]] std::string version_text(std::string_view program, std::string_view libseccomp);

// The project's version and the newest specification it implements.
[[nodiscard]] std::string_view program_version();
[[nodiscard]] std::string_view program_commit();
inline constexpr std::string_view spec_version = "1.3.0";

}  // namespace agentsafe::cli
