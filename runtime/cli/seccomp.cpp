#include <linux/seccomp.h>

#include "oci/linux_json.h"
#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/cli/invocation.h"
#include "runtime/cli/json_layout.h"
#include "runtime/cli/seccomp_text.h"
#include "runtime/cli/verbs.h"
#include "runtime/security/profiles.h"
#include "runtime/security/seccomp_inspector.h"
#include "runtime/security/seccomp_words.h"
#include "runtime/sys/fd.h"

namespace agentsafe::cli {
namespace {

using security::CallAnswer;
using security::Inspector;
using security::Located;
using security::ProfileRules;

constexpr std::size_t file_limit = 1U << 20;

std::string names_of_profiles() {
  std::vector<std::string> names;
  for (const auto& profile : security::profiles()) names.emplace_back(profile.name);
  return text::join(names, ", ");
}

ProfileRules rules_of_file(const std::string& path) {
  const UniqueFd file = sys::maybe_openat(sys::at_cwd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!file) fail_users_file("open the profile " + path);
  return in_context("read the profile " + path, [&] {
    ProfileRules rules = security::read_profile(sys::read_all(file, file_limit));
    if (rules.extends.empty()) return rules;
    const auto* const base = security::find_profile(rules.extends);
    if (base == nullptr) fail("it extends \"" + text::escaped(rules.extends) + "\"; there are " + names_of_profiles());
    return security::extended(security::rules_of(*base), rules);
  });
}

ProfileRules rules_named(const std::string& name) {
  if (name.find('/') != std::string::npos) return rules_of_file(name);
  const auto* const profile = security::find_profile(name);
  if (profile == nullptr)
    fail("there is no profile \"" + text::escaped(name) + "\", but " + names_of_profiles() +
         "; a file is named with a slash, as ./" + text::escaped(name));
  return security::rules_of(*profile);
}

Inspector inspector_of(const ProfileRules& rules, const Located& where) {
  Inspector inspector(rules.seccomp, where.machine);
  if (!inspector.warnings().empty()) fail(inspector.warnings().front());
  return inspector;
}

std::uint64_t number_of(std::string_view word) {
  const bool negative = word.starts_with('-');
  const std::string_view digits = word.substr(negative ? 1 : 0);
  const bool hexadecimal = digits.starts_with("0x");
  const auto value = text::parse<std::uint64_t>(digits.substr(hexadecimal ? 2 : 0), hexadecimal ? 16 : 10);
  if (!value) fail("\"" + text::escaped(word) + "\" is no number; write it as 16, 0x10 or, after --, -1");
  return negative ? ~*value + 1 : *value;
}

struct Range {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
};

Range range_of(const std::string& word, const Located& where) {
  const std::string arch = text::lower(where.architecture.word.substr(std::string_view("SCMP_ARCH_").size()));
  if (word.empty() || word[0] < '0' || word[0] > '9') {
    const auto targets = security::targets(word, where.architecture);
    if (targets.empty())
      fail("there is no system call \"" + text::escaped(word) + "\" on " + arch + "; a number will do");
    const auto& target = targets.back();
    if (target.call) fail(word + " comes through a multiplexer on " + arch + "; ask for socketcall or ipc");
    return {target.number, target.number};
  }
  const auto dash = word.find('-');
  const auto first = number_of(std::string_view(word).substr(0, dash));
  const auto last = dash == std::string::npos ? first : number_of(std::string_view(word).substr(dash + 1));
  constexpr std::uint64_t longest = 4096;
  if (last > UINT32_MAX || last < first || last - first >= longest)
    fail("\"" + text::escaped(word) + "\" is no range of at most 4096 numbers, as 0-600");
  const auto offset = first < where.architecture.first ? where.architecture.first : 0;  // x32
  return {static_cast<std::uint32_t>(first) + offset, static_cast<std::uint32_t>(last) + offset};
}

std::string reason(const CallAnswer& answer, const ProfileRules& rules, const Located& where) {
  if (answer.rule) return rules.comments[*answer.rule];
  const bool own = where.architecture == security::runnable_architectures(where.machine).front();
  bool listed = own;
  for (const auto& word : rules.seccomp.architectures) listed = listed || word == where.architecture.word;
  if (!listed) return "the profile does not list this architecture";
  return "no rule is about it: the default";
}

int list_profiles(const Invocation& invocation) {
  std::vector<ListedProfile> profiles;
  for (const auto& profile : security::profiles())
    profiles.push_back({std::string(profile.name), std::string(profile.summary), profile.instructions.size() / 8});
  invocation.print(invocation.arguments.on("json") ? profiles_json(profiles) : profiles_text(profiles));
  return 0;
}

int show(const Invocation& invocation, const Located& where) {
  const ProfileRules rules = rules_named(invocation.argument(1));
  if (invocation.arguments.on("bpf")) {
    invocation.print(inspector_of(rules, where).instructions());
  } else {
    invocation.print(invocation.arguments.on("json") ? indented(json::write(rules.seccomp), "  ") + "\n"
                                                     : rules_text(rules));
  }
  return 0;
}

int test(const Invocation& invocation, const Located& where) {
  const std::string profile = invocation.argument(1);
  const ProfileRules rules = rules_named(profile);
  const Inspector inspector = inspector_of(rules, where);
  const auto& words = invocation.arguments.positional();
  std::vector<std::uint64_t> args;
  for (std::size_t i = 3; i < words.size(); ++i) args.push_back(number_of(words[i]));
  seccomp_data data{};
  data.arch = where.architecture.audit;
  std::copy(args.begin(), args.end(), data.args);
  const Range range = range_of(words[2], where);
  for (std::uint32_t number = range.first; number <= range.last; ++number) {
    data.nr = static_cast<int>(number);
    const CallAnswer answer = inspector.ask(data);
    const TestedCall call{profile,
                          std::string(where.architecture.word),
                          security::name_of_syscall(number, where.architecture),
                          number,
                          args,
                          std::string(security::word_of_action(answer.action)),
                          answer.action & SECCOMP_RET_DATA,
                          answer.rule,
                          reason(answer, rules, where)};
    invocation.print(invocation.arguments.on("json") ? call_json(call) : call_text(call));
  }
  return 0;
}

}  // namespace

int seccomp(const Invocation& invocation) {
  const std::string verb = invocation.argument(0);
  const auto& arguments = invocation.arguments.positional();
  const auto where = security::locate_architecture(invocation.arguments.text("arch"));
  if (!where) fail("--arch: unknown");
  if (verb == "list" && arguments.size() == 1) return list_profiles(invocation);
  if (verb == "show" && arguments.size() == 2) return show(invocation, *where);
  if (verb == "test" && arguments.size() >= 3) return test(invocation, *where);
  throw UsageError("expected: seccomp list, seccomp show PROFILE, or seccomp test PROFILE SYSCALL [ARGUMENT...]");
}

}  // namespace agentsafe::cli
