#include "runtime/cli/completion.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "runtime/base/text.h"
#include "runtime/cli/command.h"

namespace agentsafe::cli {
namespace {

constexpr Option help_option{"help", 'h', "", "print this help"};

std::vector<Option> shown(std::span<const Option> options) {
  std::vector<Option> visible;
  std::copy_if(options.begin(), options.end(), std::back_inserter(visible),
               [](const auto& one) { return !one.hidden; });
  visible.push_back(help_option);
  return visible;
}

bool takes_container(const Command& command) { return command.arguments.starts_with("CONTAINER-ID"); }

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string result(text);
  for (auto at = result.find(from); at != std::string::npos; at = result.find(from, at + to.size()))
    result.replace(at, from.size(), to);
  return result;
}

// 'text' for a shell: a quote in it ends the string, adds itself and begins another.
std::string quoted(std::string_view text) { return "'" + replaced(text, "'", "'\\''") + "'"; }

// "--bundle -b --config -f": all of them, or those that take a value.
std::string dashed(std::span<const Option> options, bool valued) {
  std::vector<std::string> words;
  for (const Option& option : options) {
    if (valued && option.is_switch()) continue;
    words.push_back("--" + std::string(option.name));
    if (option.letter != 0) words.push_back({'-', option.letter});
  }
  return text::join(words, " ");
}

bool names_file(const Option& option) { return option.value == "FILE" || option.value == "SOCKET"; }

// What bash offers for the value of an option; nothing for a number or a name.
std::string bash_values(const Option& option) {
  if (option.is_choice()) return "COMPREPLY=($(compgen -W '" + replaced(option.value, "|", " ") + "' -- \"$word\"))";
  if (option.value == "DIR") return "compopt -o dirnames";
  return names_file(option) ? "compopt -o default" : "";
}

std::string bash_case(std::string_view command, std::span<const Option> options) {
  const std::string before = std::string(command) + ":";
  std::string text;
  for (const Option& option : options) {
    const std::string values = bash_values(option);
    if (values.empty()) continue;
    text += "    " + before + "--" + std::string(option.name);
    if (option.letter != 0) text += "|" + before + "-" + std::string(1, option.letter);
    text += ") " + values + "; return ;;\n";
  }
  return text;
}

constexpr std::string_view bash_template = R"bash(# bash completion for agentsafe
_agentsafe() {
  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command='' containers='' at=1
  local options=@OPTIONS@
  local valued=@VALUED@
  while ((at < COMP_CWORD)); do
    case ${COMP_WORDS[at]} in
      -*) [[ " $valued " != *" ${COMP_WORDS[at]} "* ]] || ((++at)) ;;
      *) command=${COMP_WORDS[at]}; break ;;
    esac
    ((++at))
  done
  case $command in
@SETTINGS@  esac
  case $command:$previous in
@VALUES@  esac
  [[ " $valued " != *" $previous "* ]] || return
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$word"))
  elif [[ -z $command ]]; then
    COMPREPLY=($(compgen -W @COMMANDS@ -- "$word"))
  elif [[ -n $containers ]]; then
    COMPREPLY=($(compgen -W "$(agentsafe list -q 2>/dev/null)" -- "$word"))
  fi
}
complete -F _agentsafe agentsafe
)bash";

constexpr std::string_view zsh_template = R"zsh(#compdef agentsafe
_agentsafe_containers() {
  local -a ids
  ids=(${(f)"$(agentsafe list -q 2>/dev/null)"})
  compadd -a ids
}
_agentsafe() {
  local state
  local -a names
  names=(
@COMMANDS@  )
  _arguments -C@OPTIONS@ \
      '1:command:->command' '*::argument:->argument'
  case $state in
    command) _describe command names ;;
    argument)
      case $words[1] in
@CASES@      esac ;;
  esac
}
_agentsafe "$@"
)zsh";

std::string zsh_action(const Option& option) {
  if (option.is_choice()) return "(" + replaced(option.value, "|", " ") + ")";
  if (option.value == "DIR") return "_files -/";
  return names_file(option) ? "_files" : " ";
}

// '(-b --bundle)'{-b+,--bundle=}'[help]:DIR:_files -/'
std::string zsh_spec(const Option& option) {
  const std::string name(option.name);
  const std::string help = replaced(replaced(option.help, "]", "\\]"), "[", "\\[");
  std::string words = "--" + name + (option.is_switch() ? "" : "=");
  if (option.letter != 0) words = "{-" + std::string(1, option.letter) + "," + words + "}";
  std::string what = "[" + help + "]";
  if (!option.is_switch())
    what += ":" + replaced(replaced(option.value, ":", "\\:"), "|", " ") + ":" + zsh_action(option);
  return (option.repeats ? "'*'" : "") + words + quoted(what);
}

std::string zsh_specs(std::span<const Option> options, std::string_view indent) {
  std::string text;
  for (const Option& option : options) text += " \\\n" + std::string(indent) + zsh_spec(option);
  return text;
}

std::string fish_option(const Option& option) {
  std::string text = " -l " + std::string(option.name);
  if (option.letter != 0) text += " -s " + std::string(1, option.letter);
  if (option.is_choice()) {
    text += " -x -a " + quoted(replaced(option.value, "|", " "));
  } else if (!option.is_switch()) {
    text += option.value == "DIR" ? " -x -a '(__fish_complete_directories)'" : names_file(option) ? " -rF" : " -x";
  }
  return text + " -d " + quoted(option.help) + "\n";
}

}  // namespace

std::string bash_completion() {
  const auto global = shown(global_options());
  std::vector<std::string> names;
  std::string settings, values = bash_case("", global);
  for (const Command& command : commands()) {
    const auto options = shown(command.options);
    names.emplace_back(command.name);
    settings.append("    ").append(command.name).append(") options=").append(quoted(dashed(options, false)));
    settings.append(" valued=").append(quoted(dashed(options, true)));
    settings.append(takes_container(command) ? " containers=1 ;;\n" : " ;;\n");
    values += bash_case(command.name, options);
  }
  std::string text = replaced(bash_template, "@OPTIONS@", quoted(dashed(global, false)));
  text = replaced(text, "@VALUED@", quoted(dashed(global, true)));
  text = replaced(text, "@COMMANDS@", quoted(text::join(names, " ")));
  text = replaced(text, "@SETTINGS@", settings);
  return replaced(text, "@VALUES@", values);
}

std::string zsh_completion() {
  std::string list, cases;
  for (const Command& command : commands()) {
    const std::string name(command.name);
    list += "    " + quoted(name + ":" + std::string(command.summary)) + "\n";
    cases += "        " + name + ") _arguments" + zsh_specs(shown(command.options), "            ");
    cases += takes_container(command) ? " \\\n            '1:container:_agentsafe_containers' ;;\n" : " ;;\n";
  }
  std::string text = replaced(zsh_template, "@COMMANDS@", list);
  text = replaced(text, "@OPTIONS@", zsh_specs(shown(global_options()), "      "));
  return replaced(text, "@CASES@", cases);
}

std::string fish_completion() {
  const std::string line = "complete -c agentsafe";
  std::string text = "# fish completion for agentsafe\n" + line + " -f\n";
  for (const Option& option : shown(global_options())) text += line + " -n __fish_use_subcommand" + fish_option(option);
  for (const Command& command : commands()) {
    const std::string name(command.name);
    const std::string here = line + " -n '__fish_seen_subcommand_from " + name + "'";
    text += line + " -n __fish_use_subcommand -a " + name + " -d " + quoted(command.summary) + "\n";
    for (const Option& option : shown(command.options)) text += here + fish_option(option);
    if (takes_container(command)) text += here + " -a '(agentsafe list -q 2>/dev/null)'\n";
  }
  return text;
}

}  // namespace agentsafe::cli
