#include "runtime/cli/man.h"

#include "runtime/cli/usage.h"

namespace agentsafe::cli {
namespace {

// Text as roff prints it: a hyphen that stays one, no escapes, no request at the start of a line.
std::string roff(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    const bool starts_line = safe.empty() || safe.back() == '\n';
    if (starts_line && (c == '.' || c == '\'')) safe += "\\&";
    if (c == '\\') {
      safe += "\\e";
    } else if (c == '-') {
      safe += "\\-";
    } else {
      safe += c;
    }
  }
  return safe;
}

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return result;
}

std::string heading(std::string_view name, std::string_view summary) {
  return ".TH " + upper(name) + " 8 \"\" \"agentsafe " + roff(program_version()) + "\" \"System Administration\"\n" +
         ".SH NAME\n" + roff(name) + " \\- " + roff(summary) + "\n";
}

std::string option_list(std::span<const Option> options) {
  std::string text;
  for (const Option& option : options) {
    if (option.hidden) continue;
    text += ".TP\n\\fB" + roff(option_term(option)) + "\\fR\n" + roff(option.help) +
            (option.repeats ? "; may be given more than once\n" : "\n");
  }
  return text + ".TP\n\\fB\\-h, \\-\\-help\\fR\nprint a summary\n";
}

std::string reference(std::string_view name) { return "\\fBagentsafe\\-" + std::string(name) + "\\fR(8)"; }

constexpr std::string_view exit_status =
    ".SH EXIT STATUS\n0 on success, 1 on an error. \\fBrun\\fR and \\fBexec\\fR in the foreground: the status of the "
    "command, or 128 and the number of the signal that ended it; \\fBexec\\fR: 255 when the command could not be "
    "run.\n";

constexpr std::string_view environment =
    ".SH ENVIRONMENT\n.TP\n\\fBXDG_RUNTIME_DIR\\fR\nwhere users who are not root keep the state, without \\-\\-root\n"
    ".TP\n\\fBLISTEN_FDS\\fR, \\fBLISTEN_PID\\fR\nsockets to hand to the container, see \\fBsd_listen_fds\\fR(3)\n"
    ".TP\n\\fBNOTIFY_SOCKET\\fR\nwhere readiness of the container is told, see \\fBsd_notify\\fR(3)\n";

}  // namespace

std::string program_man_page() {
  std::string page = heading("agentsafe", "run containers from OCI bundles");
  page += ".SH SYNOPSIS\n\\fBagentsafe\\fR [\\fIOPTION\\fR...] \\fICOMMAND\\fR [\\fIARGUMENT\\fR...]\n";
  page +=
      ".SH DESCRIPTION\nagentsafe is a container runtime for the OCI runtime specification, with the command line "
      "of \\fBrunc\\fR(8).\n.SH COMMANDS\n";
  for (const Command& command : commands())
    page += ".TP\n" + reference(command.name) + "\n" + roff(command.summary) + "\n";
  page += ".SH OPTIONS\nThey stand before the command.\n" + option_list(global_options());
  page += exit_status;
  page += environment;
  return page + ".SH SEE ALSO\n\\fBrunc\\fR(8), \\fBcrun\\fR(1), https://github.com/opencontainers/runtime\\-spec\n";
}

std::string command_man_page(const Command& command) {
  std::string page = heading("agentsafe-" + std::string(command.name), command.summary);
  page += ".SH SYNOPSIS\n" + roff(synopsis(command)) + "\n";
  page += ".SH DESCRIPTION\n" + roff(command.description) + "\n";
  page += ".SH OPTIONS\n" + option_list(command.options);
  page += exit_status;
  return page + ".SH SEE ALSO\n\\fBagentsafe\\fR(8)\n";
}

}  // namespace agentsafe::cli
