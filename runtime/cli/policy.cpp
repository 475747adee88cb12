// agentsafe policy: what policies there are, what they say, whether one can be enforced.
#include "runtime/policy/policy.h"

#include <unistd.h>

#include "oci/bundle.h"
#include "oci/validate.h"
#include "runtime/base/text.h"
#include "runtime/cli/invocation.h"
#include "runtime/cli/json_layout.h"
#include "runtime/cli/verbs.h"
#include "runtime/policy/explain.h"
#include "runtime/policy/fields.h"
#include "runtime/policy/presets.h"
#include "runtime/policy/sources.h"
#include "runtime/sys/fd.h"

namespace agentsafe::cli {
namespace {

using policy::Places;

std::string json_list(const std::vector<std::string>& strings) {
  std::string list;
  for (const auto& one : strings) list.append(list.empty() ? "" : ",").append(text::json_quoted(one));
  return "[" + list + "]";
}

// Why this policy cannot be used; empty: it can.
std::vector<std::string> problems_of(const std::string& name) {
  try {
    return policy::objections(policy::load(Places{}, name).policy);
  } catch (const Error& error) {
    return {error.what()};
  }
}

std::string summary_of(const std::string& name) {
  const policy::Preset* preset = policy::find_preset(name);
  return preset != nullptr ? std::string(preset->summary) : Places{}.folder + "/policies/" + name + ".json";
}

void print_list(const Print& print, bool json) {
  std::string all;
  for (const auto& name : policy::names(Places{})) {
    const auto problems = problems_of(name);
    if (json) {
      all += (all.empty() ? "" : ",") + ("{\"name\":" + text::json_quoted(name)) +
             ",\"summary\":" + text::json_quoted(summary_of(name)) +
             ",\"usable\":" + (problems.empty() ? "true" : "false") + ",\"problems\":" + json_list(problems) + "}";
      continue;
    }
    print(name + std::string(name.size() < 12 ? 12 - name.size() : 0, ' ') + " " + summary_of(name) + "\n");
    for (const auto& problem : problems)
      print(std::string(13, ' ') + "cannot be used: " + text::escaped(problem) + "\n");
  }
  if (json) print(indented("[" + all + "]", "  ") + "\n");
}

void print_policy(const Print& print, const std::string& name, bool json) {
  const policy::Resolved loaded =
      in_context("policy " + text::escaped(name), [&] { return policy::load(Places{}, name); });
  if (json) return print(policy::to_json(loaded.policy, 2));
  for (std::size_t i = 0; i < policy::fields().size(); ++i) {
    const std::string line =
        std::string(policy::fields()[i].key) + ": " + policy::value_of(loaded.policy, policy::fields()[i].key);
    print(line + std::string(line.size() < 48 ? 48 - line.size() : 0, ' ') + "  # " + text::escaped(loaded.sources[i]) +
          "\n");
  }
}

// A bundle is a folder with a config.json; anything else is a policy.
bool is_bundle(const std::string& path) { return sys::try_fstatat(sys::at_cwd, path + "/config.json", 0).has_value(); }

void explain_bundle(const Invocation& invocation, const std::string& path, bool json) {
  const oci::Bundle bundle = oci::load(path, "");
  const auto violations = oci::validate(bundle.spec, oci::host_namespaces(bundle.spec));
  if (!violations.empty()) fail(oci::describe(violations));
  const auto chosen = policy::resolve(Places{}, invocation.runtime.policy, bundle.spec, {});
  const auto hardened = policy::harden(bundle.spec, chosen.policy, policy::look_around(bundle.spec, bundle.path, chosen.policy));
  if (json) return invocation.print(indented(policy::explain_json(chosen, hardened), "  ") + "\n");
  invocation.print(policy::explain(chosen, hardened));
  for (const auto& problem : policy::objections(chosen.policy))
    invocation.print("cannot be used: " + text::escaped(problem) + "\n");
}

void explain(const Invocation& invocation, const std::string& what, bool json) {
  const std::string path = absolute_path(what);
  if (is_bundle(path)) return explain_bundle(invocation, path, json);
  if (json) throw UsageError("explain of a policy alone is text: show --format json prints it");
  const std::string name = policy::canonical_name(what, absolute_path("."));
  invocation.print(
      policy::explain(in_context("policy " + text::escaped(name), [&] { return policy::load(Places{}, name); })));
}

int check_file(const Print& print, const std::string& file, bool json) {
  const auto problems = problems_of(text::clean_path(absolute_path(file)));
  if (json) {
    print(indented("{\"file\":" + text::json_quoted(file) + ",\"usable\":" + (problems.empty() ? "true" : "false") +
                       ",\"problems\":" + json_list(problems) + "}",
                   "  ") +
          "\n");
    return problems.empty() ? 0 : 1;
  }
  if (!problems.empty()) fail(text::join(problems, "; "));
  print(text::escaped(file) + ": can be used\n");
  return 0;
}

}  // namespace

int policy(const Invocation& invocation) {
  const std::string verb = invocation.argument(0);
  const std::string name = invocation.argument(1);
  const bool json = invocation.arguments.text("format") == "json";
  const bool alone = invocation.arguments.positional().size() == 1;
  if (verb == "list" && alone) {
    print_list(invocation.print, json);
    return 0;
  }
  if (verb == "show") {
    const std::string fallback = invocation.runtime.policy.value_or(
        policy::read_operator(Places{}).default_policy.value_or(std::string(policy::default_name)));
    print_policy(invocation.print, alone ? fallback : policy::canonical_name(name, absolute_path(".")), json);
    return 0;
  }
  if (verb == "explain") {
    explain(invocation, alone ? "." : name, json);
    return 0;
  }
  if (verb == "check" && !alone) return check_file(invocation.print, name, json);
  throw UsageError("expected list, show [NAME], explain [BUNDLE|NAME|FILE] or check FILE");
}

}  // namespace agentsafe::cli
