#include "runtime/cli/seccomp_text.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "oci/json.h"
#include "runtime/base/text.h"

namespace agentsafe::json {
template <>
inline constexpr auto fields<cli::ListedProfile> =
    std::tuple{required("name", &cli::ListedProfile::name), required("summary", &cli::ListedProfile::summary),
               required("instructions", &cli::ListedProfile::instructions)};
}  // namespace agentsafe::json

namespace agentsafe::cli {
namespace {

std::string hex(std::uint64_t value) {
  if (value < 10) return std::to_string(value);
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof digits, value, 16).ptr;
  return "0x" + std::string(digits, end);
}

std::string errno_word(std::uint32_t number) {
  const char* const name = ::strerrorname_np(static_cast<int>(number));
  return name != nullptr ? name : "errno " + std::to_string(number);
}

struct Operator {
  std::string_view word;
  std::string_view sign;
};
constexpr Operator operators[] = {{"SCMP_CMP_EQ", " = "},  {"SCMP_CMP_NE", " != "}, {"SCMP_CMP_LT", " < "},
                                  {"SCMP_CMP_LE", " <= "}, {"SCMP_CMP_GT", " > "},  {"SCMP_CMP_GE", " >= "}};

std::string condition_text(const oci::SeccompArg& arg) {
  const std::string name = "arg" + std::to_string(arg.index);
  if (arg.op == "SCMP_CMP_MASKED_EQ") return name + " & " + hex(arg.value) + " = " + hex(arg.valueTwo);
  const auto found =
      std::find_if(std::begin(operators), std::end(operators), [&](const Operator& row) { return row.word == arg.op; });
  return name + std::string(found != std::end(operators) ? found->sign : " " + arg.op + " ") + hex(arg.value);
}

// Several conditions about one argument mean any of all (seccomp_decisions.h).
std::string conditions_text(const std::vector<oci::SeccompArg>& args) {
  std::vector<std::string> parts;
  bool one_repeats = false;
  for (std::size_t i = 0; i < args.size(); ++i) {
    parts.push_back(condition_text(args[i]));
    for (std::size_t j = 0; j < i; ++j) one_repeats = one_repeats || args[j].index == args[i].index;
  }
  return parts.empty() ? "" : "  if " + text::join(parts, one_repeats ? " or " : " and ") + "\n";
}

// At most 100 columns, indented.
std::string wrapped(const std::vector<std::string>& words) {
  std::string text, line;
  for (const auto& word : words) {
    if (line.size() + word.size() > 97) {
      text += "  " + line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return text + "  " + line + "\n";
}

std::string quoted(std::string_view name, std::string_view value) {
  return ",\"" + std::string(name) + "\":" + text::json_quoted(value);
}

}  // namespace

std::string answer_in_words(std::string_view action, std::uint32_t data) {
  if (action == "SCMP_ACT_ALLOW") return "allowed";
  if (action == "SCMP_ACT_LOG") return "allowed and logged";
  if (action == "SCMP_ACT_ERRNO") return "refused with " + errno_word(data);
  if (action == "SCMP_ACT_TRACE") return "given to a tracer, with " + std::to_string(data);
  if (action == "SCMP_ACT_NOTIFY") return "given to an agent";
  if (action == "SCMP_ACT_TRAP") return "answered with the signal SIGSYS";
  return action == "SCMP_ACT_KILL_PROCESS" ? "the end of the process (SIGSYS)" : "the end of the thread (SIGSYS)";
}

std::string call_text(const TestedCall& call) {
  std::vector<std::string> args;
  for (const auto arg : call.args) args.push_back(hex(arg));
  const std::string name = call.syscall.empty() ? std::to_string(call.number) : call.syscall;
  std::string text = name + "(" + text::join(args, ", ") + "): " + answer_in_words(call.action, call.data) + "\n";
  text +=
      call.rule ? "  rule " + std::to_string(*call.rule) + (call.why.empty() ? "" : ": " + call.why) : "  " + call.why;
  return text + "\n";
}

std::string call_json(const TestedCall& call) {
  std::string json = "{\"profile\":" + text::json_quoted(call.profile) + quoted("arch", call.arch);
  if (!call.syscall.empty()) json += quoted("syscall", call.syscall);
  json += ",\"number\":" + std::to_string(call.number) + ",\"args\":" + json::write(call.args);
  json += quoted("action", call.action);
  if (call.action == "SCMP_ACT_ERRNO") json += ",\"errno\":" + std::to_string(call.data);
  if (call.action == "SCMP_ACT_TRACE") json += ",\"data\":" + std::to_string(call.data);
  if (call.rule) json += ",\"rule\":" + std::to_string(*call.rule);
  return json + quoted("why", call.why) + "}\n";
}

std::string rules_text(const security::ProfileRules& rules) {
  const auto& seccomp = rules.seccomp;
  std::string text = "a call that no rule is about: " +
                     answer_in_words(seccomp.defaultAction, seccomp.defaultErrnoRet.value_or(EPERM)) + "\n";
  for (std::size_t i = 0; i < seccomp.syscalls.size(); ++i) {
    const auto& rule = seccomp.syscalls[i];
    text += "\n" + std::to_string(i) + ". " + answer_in_words(rule.action, rule.errnoRet.value_or(EPERM)) +
            (rules.comments[i].empty() ? "" : ": " + text::escaped(rules.comments[i])) + "\n";
    text += conditions_text(rule.args) + wrapped(rule.names);
  }
  return text;
}

std::string profiles_text(const std::vector<ListedProfile>& profiles) {
  std::string text;
  for (const auto& profile : profiles)
    text +=
        profile.name + std::string(16 - std::min<std::size_t>(15, profile.name.size()), ' ') + profile.summary + "\n";
  return text;
}

std::string profiles_json(const std::vector<ListedProfile>& profiles) { return json::write(profiles) + "\n"; }

}  // namespace agentsafe::cli
