#include "runtime/policy/sources.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "oci/json_value.h"
#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/policy/fields.h"
#include "runtime/policy/presets.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"

namespace agentsafe::policy {
namespace {

using json::Value;

constexpr std::string_view prefix = "org.agentsafe.";
constexpr std::size_t file_limit = 1U << 20;

std::string joined(const std::vector<std::string>& chain, const char* separator) {
  return text::join(chain, separator);
}

// Rootless podman runs us in a user namespace that has no number for the host's root: its files show the overflow number
// there, as "/" does. Where "/" is root's (LXC), that number is a user like others.
bool is_of_root(uid_t owner) {
  if (owner == 0) return true;
  if (sys::in_initial_user_namespace().value_or(true)) return false;
  const auto top = sys::try_fstatat(sys::at_cwd, "/", 0);
  return top && top->st_uid == owner;
}

// Whoever can write a policy decides about every container. Non-blocking: a FIFO must not hang us.
std::optional<std::string> read_trusted(const std::string& path, bool callers_too) {
  const UniqueFd file = sys::try_openat(sys::at_cwd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!file) return std::nullopt;
  const auto info = sys::fstat(file);
  if (!S_ISREG(info.st_mode)) fail(path + " is not a regular file");
  if (!is_of_root(info.st_uid) && !(callers_too && info.st_uid == ::geteuid()))
    fail(path + " belongs to the user " + std::to_string(info.st_uid) + ": run chown root " + path);
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    fail(path + " can be written by its group or by others: run chmod go-w " + path);
  return sys::read_all(file, file_limit);
}

bool is_word(std::string_view name) {
  const auto ok = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  };
  return !name.empty() && name.size() <= 64 && name.front() != '.' && name.front() != '-' &&
         std::all_of(name.begin(), name.end(), ok);
}

std::string installed_path(const Places& places, const std::string& name) {
  return places.folder + "/policies/" + name + ".json";
}

struct Text {
  std::string json;
  std::string source;
};

Text find_text(const Places& places, const std::string& name) {
  if (name.starts_with('/')) {
    auto json = read_trusted(name, true);
    if (!json) fail(name + ": missing (ENOENT): --policy takes the name of a policy or the path of a file");
    return {std::move(*json), name};
  }
  if (!is_word(name)) fail("\"" + text::escaped(name) + "\" is not the name of a policy");
  const std::string path = installed_path(places, name);
  auto json = read_trusted(path, false);
  const Preset* preset = find_preset(name);
  if (preset != nullptr && json) fail(path + " has the name of a built-in policy: give it another one");
  if (preset != nullptr) return {std::string(preset->json), "built-in policy " + name};
  if (!json) fail("there is no policy \"" + name + "\": agentsafe policy list shows those there are");
  return {std::move(*json), path};
}

// "extends" of the text; "": nothing.
std::string extended_by(const Text& text, bool is_oci) {
  const json::Document document = in_context(text.source, [&] { return json::parse(text.json); });
  const Value& root = document.root();
  const Value* extends = root.kind == Value::Kind::object ? root.find("extends") : nullptr;
  if (extends == nullptr) return is_oci ? "" : "strict";
  if (extends->kind != Value::Kind::string || !is_word(extends->text))
    fail(text.source + ": extends: expected the name of a policy; a right value is \"strict\"");
  return std::string(extends->text);
}

void apply_chain(const Places& places, const std::string& name, std::vector<std::string>& chain, Resolved& out) {
  const bool again = std::find(chain.begin(), chain.end(), name) != chain.end();
  chain.push_back(name);
  if (again) fail("extends: the policies extend each other in a circle: " + joined(chain, " -> "));
  const Text text = find_text(places, name);
  const std::string base = extended_by(text, name == "oci");
  if (!base.empty()) in_context(text.source, [&] { apply_chain(places, base, chain, out); });
  out.policy = in_context(text.source, [&] { return read_changes(text.json, out.policy, out.sources, text.source); });
}

std::string string_of(const Value& value, const std::string& key) {
  if (value.kind != Value::Kind::string) fail(key + ": expected a string");
  return std::string(value.text);
}

Words widenable(const Value& value) {
  if (value.kind != Value::Kind::array) fail("allow_widen: expected a list; a right value is [\"limits.memory\"]");
  Words keys;
  for (const Value& item : value) {
    keys.push_back(string_of(item, "allow_widen"));
    if (keys.back() != "policy" && find_field(keys.back()) == fields().size())
      fail("allow_widen: there is no key \"" + text::escaped(keys.back()) + "\"");
  }
  return keys;
}

bool lists(const Words& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// org.agentsafe.policy: selects when the operator allows it, else both hold.
void apply_policy_annotation(const Places& places, const std::string& name, const Operator& config, Resolved& chosen) {
  if (!is_word(name)) fail("\"" + text::escaped(name) + "\" is not the name of a policy");
  Resolved other = load(places, name);
  if (lists(config.allow_widen, "policy")) {
    chosen.policy = std::move(other.policy);
    chosen.sources = std::move(other.sources);
    return;
  }
  const Policy both = meet(chosen.policy, other.policy);
  for (std::size_t i = 0; i < fields().size(); ++i)
    if (value_of(both, fields()[i].key) != value_of(chosen.policy, fields()[i].key))
      chosen.sources[i] = "annotation " + std::string(prefix) + "policy";
  chosen.policy = both;
}

void apply_annotation(const std::string& key, const std::string& value, const Operator& config, Resolved& chosen) {
  Policy wanted = read_one(key, value, chosen.policy);
  const std::size_t at = find_field(key);
  if (!lists(config.allow_widen, key)) {
    const Policy narrowed = meet(wanted, chosen.policy);
    if (!fields()[at].lists_denials && narrowed != wanted)
      fail("it would widen the policy " + chosen.name + ", which says " + value_of(chosen.policy, key) +
           ": annotations may only narrow, unless the operator lists \"" + key + "\" in allow_widen");
    wanted = narrowed;
  }
  if (wanted == chosen.policy) return;
  chosen.policy = std::move(wanted);
  chosen.sources[at] = "annotation " + std::string(prefix) + key;
}

void settle(Resolved& chosen, const oci::Spec& spec, HostShare host) {
  Policy& policy = chosen.policy;
  if (policy.cpus == half_of_host) {
    const unsigned cpus = host.cpus != 0 ? host.cpus : sys::online_processors();
    policy.cpus = std::uint64_t{std::max(1U, cpus / 2)} * 1000;
  }
  if (lists(policy.ingress, "auto")) policy.ingress = is_of_engine(spec) ? Words{"engine"} : Words{};
}

}  // namespace

std::string canonical_name(std::string_view given, const std::string& cwd) {
  if (given.find('/') == std::string_view::npos && is_word(given)) return std::string(given);
  if (given.find('/') == std::string_view::npos)
    fail("--policy " + text::escaped(given) + ": expected the name of a policy or the path of a file (./web.json)");
  return text::clean_path(given.starts_with('/') ? std::string(given) : cwd + "/" + std::string(given));
}

Operator read_operator(const Places& places) {
  const std::string path = places.folder + "/config.json";
  const auto text = read_trusted(path, false);
  Operator config;
  if (!text) return config;
  in_context(path, [&] {
    const json::Document document = json::parse(*text);
    if (document.root().kind != Value::Kind::object) fail("expected an object");
    bool versioned = false;
    for (const Value& member : document.root()) {
      if (member.name == "version") {
        versioned = member.kind == Value::Kind::number && member.text == "1";
      } else if (member.name == "default_policy") {
        config.default_policy = string_of(member, "default_policy");
      } else if (member.name == "allow_widen") {
        config.allow_widen = widenable(member);
      } else if (member.name == "log_dir") {
        config.log_dir = string_of(member, "log_dir");
        if (!config.log_dir.starts_with('/')) fail("log_dir: expected an absolute path");
      } else if (member.name == "scratch_dir") {
        config.scratch_dir = text::clean_path(string_of(member, "scratch_dir"));
        if (!config.scratch_dir.starts_with('/')) fail("scratch_dir: expected an absolute path");
      } else {
        fail(text::escaped(member.name) + ": there is no such key");
      }
    }
    if (!versioned) fail("version: expected the number 1");
  });
  return config;
}

Resolved load(const Places& places, const std::string& name) {
  Resolved out;
  out.name = name;
  std::vector<std::string> chain;
  apply_chain(places, name, chain, out);
  for (auto& source : out.sources)
    if (source.empty()) source = "built-in policy oci";
  return out;
}

std::vector<std::string> names(const Places& places) {
  std::vector<std::string> all;
  for (const Preset& preset : presets()) all.emplace_back(preset.name);
  const UniqueFd folder = sys::try_openat(sys::at_cwd, places.folder + "/policies", O_RDONLY | O_DIRECTORY);
  if (!folder) return all;
  std::vector<std::string> installed;
  for (const auto& file : sys::list_directory(folder))
    if (file.ends_with(".json") && is_word(file)) installed.push_back(file.substr(0, file.size() - 5));
  std::sort(installed.begin(), installed.end());
  all.insert(all.end(), installed.begin(), installed.end());
  return all;
}

bool is_of_engine(const oci::Spec& spec) {
  if (spec.hooks && (!spec.hooks->prestart.empty() || !spec.hooks->createRuntime.empty())) return true;
  if (spec.linux)
    for (const auto& ns : spec.linux->namespaces)
      if (ns.type == "network" && !ns.path.empty()) return true;
  const auto of_engine = [](const auto& annotation) {
    return annotation.first.starts_with("io.kubernetes.") || annotation.first.starts_with("io.podman.") ||
           annotation.first.starts_with("io.containers.") || annotation.first.starts_with("nerdctl/");
  };
  return std::any_of(spec.annotations.begin(), spec.annotations.end(), of_engine);
}

Resolved resolve(const Places& places, const std::optional<std::string>& given, const oci::Spec& spec, HostShare host) {
  const Operator config = read_operator(places);
  const std::string name = given ? *given : config.default_policy.value_or(std::string(default_name));
  Resolved chosen = in_context("policy " + text::escaped(name), [&] { return load(places, name); });
  const auto policy = spec.annotations.find(std::string(prefix) + "policy");
  if (policy != spec.annotations.end())
    in_context("annotation " + policy->first, [&] { apply_policy_annotation(places, policy->second, config, chosen); });
  settle(chosen, spec, host);
  for (const auto& annotation : spec.annotations) {  // named whole: clang 14 captures no structured bindings
    const std::string& key = annotation.first;
    if (!key.starts_with(prefix) || key.substr(prefix.size()) == "policy") continue;
    in_context("annotation " + text::escaped(key),
               [&] { apply_annotation(key.substr(prefix.size()), annotation.second, config, chosen); });
  }
  settle(chosen, spec, host);
  return chosen;
}

}  // namespace agentsafe::policy
