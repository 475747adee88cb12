#include "runtime/cli/usage.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace agentsafe::cli {
namespace {

constexpr std::size_t line_width = 100;

using Row = std::pair<std::string, std::string_view>;  // a term and what it means

// Two columns; a term too long for its column gets a line of its own.
std::string columns(const std::vector<Row>& rows) {
  constexpr std::size_t widest = 30;
  std::size_t width = 0;
  for (const auto& [term, meaning] : rows) width = std::max(width, std::min(term.size(), widest));
  std::string text;
  for (const auto& [term, meaning] : rows) {
    text += "  " + term;
    if (term.size() > width) text += "\n" + std::string(width + 4, ' ');
    if (term.size() <= width) text += std::string(width - term.size() + 2, ' ');
    text.append(meaning) += '\n';
  }
  return text;
}

std::string option_columns(std::span<const Option> options) {
  std::vector<Row> rows;
  for (const Option& option : options)
    if (!option.hidden) rows.emplace_back((option.letter == 0 ? "    " : "") + option_term(option), option.help);
  rows.emplace_back("-h, --help", "print this help");
  return columns(rows);
}

std::string wrapped(std::string_view sentences) {
  std::string text;
  std::size_t column = 0;
  while (!sentences.empty()) {
    const auto end = std::min(sentences.find(' '), sentences.size());
    if (column + end > line_width) {
      text.back() = '\n';
      column = 0;
    }
    text.append(sentences.substr(0, end)) += ' ';
    column += end + 1;
    sentences.remove_prefix(std::min(end + 1, sentences.size()));
  }
  if (!text.empty()) text.back() = '\n';
  return text;
}

}  // namespace

std::string option_term(const Option& option) {
  std::string term;
  if (option.letter != 0) term += {'-', option.letter, ',', ' '};
  term.append("--").append(option.name);
  if (!option.is_switch()) term.append("=").append(option.value);
  return term;
}

std::string synopsis(const Command& command) {
  std::string line = "agentsafe [OPTION...] ";
  line += command.name;
  line += " [OPTION...]";
  if (!command.arguments.empty()) line.append(" ").append(command.arguments);
  return line;
}

std::string command_usage(const Command& command) {
  return "Usage: " + synopsis(command) + "\n\n" + wrapped(command.description) + "\nOptions:\n" +
         option_columns(command.options);
}

std::string program_usage() {
  std::vector<Row> rows;
  for (const Command& command : commands()) rows.emplace_back(command.name, command.summary);
  return "Usage: agentsafe [OPTION...] COMMAND [ARGUMENT...]\n\n"
         "Runs containers from OCI bundles (https://opencontainers.org).\n\nCommands:\n" +
         columns(rows) + "\nOptions, before the command:\n" + option_columns(global_options()) +
         "\n'agentsafe COMMAND --help' explains a command.\n";
}

std::string_view program_name(std::string_view program) {
  return program.substr(program.rfind('/') + 1);  // npos + 1 is 0
}

std::string version_text(std::string_view program, std::string_view libseccomp) {
  std::string text(program_name(program));
  text.append(" version ").append(program_version());
  text.append("\ncommit: ").append(program_commit());
  text.append("\nspec: ").append(spec_version);
  return text.append("\nlibseccomp: ").append(libseccomp).append("\n");
}

std::string_view program_version() { return AGENTSAFE_VERSION; }
std::string_view program_commit() { return AGENTSAFE_COMMIT; }

}  // namespace agentsafe::cli
