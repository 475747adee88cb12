// The hardenings of the process: capabilities, no_new_privs, seccomp, environment.
#include "runtime/base/text.h"
#include "runtime/policy/hardening.h"

namespace agentsafe::policy {
namespace {

constexpr std::uint32_t last_own_id = 65535;

constexpr std::string_view credential_names[] = {"*_TOKEN",      "*_KEY", "*_SECRET",   "*PASSWORD*", "*PASSWD*",
                                                 "*CREDENTIAL*", "AWS_*", "GITHUB_PAT", "*_PAT",      "DATABASE_URL"};

// "*" stands for any characters.
bool matches(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return name.empty();
  if (pattern.front() != '*')
    return !name.empty() && pattern.front() == name.front() && matches(pattern.substr(1), name.substr(1));
  while (pattern.starts_with("**")) pattern.remove_prefix(1);
  for (std::size_t skipped = 0; skipped <= name.size(); ++skipped)
    if (matches(pattern.substr(1), name.substr(skipped))) return true;
  return false;
}

std::string_view name_of(std::string_view entry) { return entry.substr(0, entry.find('=')); }

// What is left of the set; the names that are taken away go into `removed`.
void narrow_set(std::vector<std::string>& set, const Words& allowed, std::vector<std::string>& removed) {
  std::erase_if(set, [&](const std::string& name) {
    const std::string_view bare = name.starts_with("CAP_") ? std::string_view(name).substr(4) : std::string_view(name);
    if (contains(allowed, bare)) return false;
    removed.push_back(name);
    return true;
  });
}

}  // namespace

// Users other than root keep the bounding set alone: with no_new_privs they cannot use it, but an exec as root can.
void drop_capabilities(Hardening& work) {
  const Words& allowed = work.policy.capabilities;
  auto& process = work.process();
  if (contains(allowed, everything) || !process.capabilities) return;
  struct Set {
    const char* name;
    std::vector<std::string>& names;
    bool for_all;
  };
  auto& sets = *process.capabilities;
  const Set all[] = {{"bounding", sets.bounding, true},
                     {"effective", sets.effective, false},
                     {"permitted", sets.permitted, false},
                     {"inheritable", sets.inheritable, false},
                     {"ambient", sets.ambient, false}};
  for (const Set& set : all) {
    std::vector<std::string> removed;
    narrow_set(set.names, process.user.uid == 0 || set.for_all ? allowed : Words{}, removed);
    if (!removed.empty()) work.change("process.capabilities." + std::string(set.name), text::join(removed, " "), "");
  }
}

void forbid_new_privileges(Hardening& work) {
  if (!work.policy.no_new_privileges || work.process().noNewPrivileges) return;
  work.process().noNewPrivileges = true;
  work.change("process.noNewPrivileges", "false", "true");
}

void filter_calls(Hardening& work) {
  if (work.policy.seccomp == "none") return;
  work.out.seccomp = work.policy.seccomp;
  work.change("seccomp filter", work.linux().seccomp ? "the bundle's" : "none",
              (work.linux().seccomp ? "the bundle's and " : "") + work.policy.seccomp);
}

void drop_environment(Hardening& work) {
  auto& env = work.process().env;
  const auto denied = [&](const std::string& entry) {
    const auto hit = [&](const std::string& pattern) { return matches(pattern, name_of(entry)); };
    if (std::none_of(work.policy.env_deny.begin(), work.policy.env_deny.end(), hit)) return false;
    work.change("process.env " + std::string(name_of(entry)), "(set)", "");  // the value may be the secret
    return true;
  };
  std::erase_if(env, denied);
  for (const auto& entry : env) {
    const auto hit = [&](std::string_view pattern) { return matches(pattern, name_of(entry)); };
    if (std::any_of(std::begin(credential_names), std::end(credential_names), hit))
      work.out.notes.push_back(
          "process.env " + std::string(name_of(entry)) +
          " looks like a credential, which the container can read: process.env_deny takes it away");
  }
}

namespace {

// Nothing inside owns the network namespace then, which CAP_NET_BIND_SERVICE and CAP_NET_RAW would need.
void replace_network_capabilities(Hardening& work) {
  const auto& all = work.linux().namespaces;
  if (std::none_of(all.begin(), all.end(), [](const auto& ns) { return ns.type == "network"; })) return;
  const auto& capabilities = work.process().capabilities;
  const auto set = [&](const char* capability, const char* sysctl, const char* value) {
    if (!capabilities || !contains(capabilities->bounding, capability)) return;
    if (work.linux().sysctl.emplace(sysctl, value).second)
      work.change(std::string("linux.sysctl ") + sysctl, "", value);
  };
  set("CAP_NET_BIND_SERVICE", "net.ipv4.ip_unprivileged_port_start", "0");
  set("CAP_NET_RAW", "net.ipv4.ping_group_range", "0 2147483647");
}

std::string why_no_own_ids(Hardening& work) {
  if (!work.around.no_own_ids.empty()) return work.around.no_own_ids;
  const auto& user = work.process().user;
  const auto& groups = user.additionalGids;
  const bool beyond = user.uid > last_own_id || user.gid > last_own_id ||
                      std::any_of(groups.begin(), groups.end(), [](auto gid) { return gid > last_own_id; });
  return beyond ? "process.user has an id above " + std::to_string(last_own_id) : "";
}

}  // namespace

void own_ids(Hardening& work) {
  const auto& all = work.linux().namespaces;
  const bool has_some = std::any_of(all.begin(), all.end(), [](const auto& ns) { return ns.type == "user"; });
  if (work.policy.userns == "off" || has_some) return;
  const std::string why = why_no_own_ids(work);
  if (!why.empty() && work.policy.userns == "on")
    return work.refuse("the container cannot have host ids of its own: " + why);
  if (!why.empty())
    return work.out.notes.push_back(
        "process.userns \"auto\": off, root in the container is root of the host without most of "
        "its capabilities: " +
        why);
  work.out.own_ids = true;
  work.change("user namespace", "the host's", "one with 64K host ids of its own; root and binds are idmapped to it");
  replace_network_capabilities(work);
}

}  // namespace agentsafe::policy
