// Mounts, hooks, sysctls, devices, seccomp and resources.
#include <algorithm>

#include "oci/validation.h"
#include "runtime/base/text.h"

namespace agentsafe::oci {
namespace {

std::string unknown(std::string_view word) { return "\"" + text::escaped(word) + "\" is unknown"; }

void validate_hook_list(const std::vector<Hook>& hooks, const std::string& path, Findings& findings) {
  constexpr std::string_view section = "config.md#posix-platform-hooks";
  for (std::size_t i = 0; i < hooks.size(); ++i) {
    findings.require(hooks[i].path.starts_with('/'), at(path, i) + ".path", "must be an absolute path", section);
    findings.require(hooks[i].timeout.value_or(1) > 0, at(path, i) + ".timeout", "must be greater than 0", section);
    for (const auto& entry : hooks[i].env.value_or(std::vector<std::string>{}))
      findings.require(entry.find('=') != std::string::npos, at(path, i) + ".env", "entries must be NAME=value", section);
  }
}

// CVE-2022-0811: a key is a path below /proc/sys; only known characters, and no way up.
bool is_clean_key(std::string_view key) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string_view("._-/:@").find(c) != std::string_view::npos;
  };
  return !key.empty() && std::all_of(key.begin(), key.end(), plain) && key.find("..") == std::string_view::npos &&
         key.front() != '/' && key.front() != '.' && key.find("//") == std::string_view::npos;
}

// Empty when the key may be set; else why not.
std::string refusal(std::string_view key, const NamespaceFacts& facts, const Spec& spec) {
  constexpr std::string_view ipc_keys[] = {"kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall",
                                           "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced"};
  // the form with dots: in "net/ipv4/conf/eth0.1/x" the separators are slashes, and dots belong to a name
  std::string dotted(key);
  const auto first_separator = dotted.find_first_of("./");
  if (first_separator != std::string::npos && dotted[first_separator] == '/')
    for (char& c : dotted) c = c == '/' ? '.' : (c == '.' ? '/' : c);
  if (is_one_of(dotted, ipc_keys) || dotted.starts_with("fs.mqueue."))
    return facts.ipc ? "" : "needs a private ipc namespace";
  if (dotted.starts_with("net.")) return facts.network ? "" : "is not allowed in the host's network namespace";
  if (dotted.starts_with("user.")) return facts.user ? "" : "needs a user namespace";
  if (dotted == "kernel.domainname") return facts.uts ? "" : "needs a private uts namespace";
  if (dotted == "kernel.hostname") {
    if (!facts.uts) return "needs a private uts namespace";
    return spec.hostname.empty() ? "" : "conflicts with hostname";
  }
  return "is not in a separate kernel namespace";
}

}  // namespace

void validate_mounts(const Spec& spec, Findings& findings) {
  constexpr std::string_view section = "config.md#mounts";
  for (std::size_t i = 0; i < spec.mounts.size(); ++i) {
    const auto& mount = spec.mounts[i];
    const std::string path = at("mounts", i);
    findings.require(!mount.destination.empty(), path + ".destination", "must not be empty", section);
    findings.require(mount.uidMappings.empty() == mount.gidMappings.empty(), path, "uidMappings and gidMappings go together", section);
  }
}

void validate_hooks(const Hooks& hooks, Findings& findings) {
  validate_hook_list(hooks.prestart, "hooks.prestart", findings);
  validate_hook_list(hooks.createRuntime, "hooks.createRuntime", findings);
  validate_hook_list(hooks.createContainer, "hooks.createContainer", findings);
  validate_hook_list(hooks.startContainer, "hooks.startContainer", findings);
  validate_hook_list(hooks.poststart, "hooks.poststart", findings);
  validate_hook_list(hooks.poststop, "hooks.poststop", findings);
}

void validate_sysctl(const Spec& spec, Findings& findings) {
  constexpr std::string_view section = "config-linux.md#sysctl";
  const auto facts = namespace_facts(spec);
  for (const auto& [key, value] : spec.linux->sysctl) {
    const std::string path = "linux.sysctl." + text::escaped(key);
    if (!is_clean_key(key)) {
      findings.add(path, "is no sysctl", section);
      continue;
    }
    const std::string why = refusal(key, facts, spec);
    if (!why.empty()) findings.add(path, "sysctl " + key + " " + why, section);
    findings.require(value.find('\n') == std::string::npos, path, "the value holds a newline", section);
  }
}

void validate_devices(const Linux& linux, Findings& findings) {
  constexpr std::string_view section = "config-linux.md#devices";
  constexpr std::string_view types[] = {"c", "b", "u", "p"};
  for (std::size_t i = 0; i < linux.devices.size(); ++i) {
    const auto& device = linux.devices[i];
    const std::string path = at("linux.devices", i);
    findings.require(is_one_of(device.type, types), path + ".type", unknown(device.type), section);
    findings.require(device.path.starts_with('/'), path + ".path", "must be an absolute path", section);
    const bool numbers = device.type == "p" || (device.major >= 0 && device.minor >= 0);
    findings.require(numbers, path, "major and minor must not be negative", section);
  }
}

void validate_seccomp(const Seccomp& seccomp, Findings& findings) {
  constexpr std::string_view section = "config-linux.md#seccomp";
  constexpr std::string_view actions[] = {"SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_TRAP",
                                          "SCMP_ACT_ERRNO", "SCMP_ACT_TRACE", "SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY"};
  constexpr std::string_view operators[] = {"SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_EQ",
                                            "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ"};
  findings.require(is_one_of(seccomp.defaultAction, actions), "linux.seccomp.defaultAction", unknown(seccomp.defaultAction), section);
  findings.require(seccomp.defaultAction != "SCMP_ACT_NOTIFY", "linux.seccomp.defaultAction", "must not be SCMP_ACT_NOTIFY: the runtime itself would wait for the agent", section);
  bool notifies = false;
  for (std::size_t i = 0; i < seccomp.syscalls.size(); ++i) {
    const auto& rule = seccomp.syscalls[i];
    const std::string path = at("linux.seccomp.syscalls", i);
    findings.require(!rule.names.empty(), path + ".names", "must have at least one entry", section);
    findings.require(is_one_of(rule.action, actions), path + ".action", unknown(rule.action), section);
    notifies = notifies || rule.action == "SCMP_ACT_NOTIFY";
    const bool writes = std::find(rule.names.begin(), rule.names.end(), "write") != rule.names.end();
    findings.require(!(writes && rule.action == "SCMP_ACT_NOTIFY"), path, "SCMP_ACT_NOTIFY cannot be used for the write syscall", section);
    for (const auto& arg : rule.args) {
      findings.require(arg.index <= 5, path + ".args.index", "must be at most 5", section);
      findings.require(is_one_of(arg.op, operators), path + ".args.op", unknown(arg.op), section);
    }
  }
  findings.require(!notifies || !seccomp.listenerPath.empty(), "linux.seccomp.listenerPath", "is missing for SCMP_ACT_NOTIFY", section);
  findings.require(seccomp.listenerMetadata.empty() || !seccomp.listenerPath.empty(), "linux.seccomp.listenerMetadata", "needs listenerPath", section);
  for (const auto& word : seccomp.flags.value_or(std::vector<std::string>{})) {
    constexpr std::string_view flags[] = {"SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
                                          "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"};
    findings.require(is_one_of(word, flags), "linux.seccomp.flags", unknown(word), section);
  }
}

void validate_resources(const Resources& resources, std::string_view prefix, Findings& findings) {
  const std::string path(prefix);
  for (std::size_t i = 0; i < resources.devices.size(); ++i) {
    constexpr std::string_view types[] = {"", "a", "c", "b"};
    const auto& rule = resources.devices[i];
    findings.require(is_one_of(rule.type, types), at(path + ".devices", i) + ".type", unknown(rule.type), "config-linux.md#allowed-device-list");
    findings.require(rule.access.find_first_not_of("rwm") == std::string::npos, at(path + ".devices", i) + ".access", "must be of r, w and m", "config-linux.md#allowed-device-list");
  }
  if (resources.blockIO) {
    const auto weight = [&](std::optional<std::uint16_t> value, const std::string& name) {
      findings.require(!value || *value == 0 || (*value >= 10 && *value <= 1000), path + ".blockIO." + name, "must be from 10 to 1000", "config-linux.md#block-io");
    };
    weight(resources.blockIO->weight, "weight");
    weight(resources.blockIO->leafWeight, "leafWeight");
    for (const auto& device : resources.blockIO->weightDevice) weight(device.weight, "weightDevice.weight");
  }
  if (resources.cpu && resources.cpu->idle)
    findings.require(*resources.cpu->idle == 0 || *resources.cpu->idle == 1, path + ".cpu.idle", "must be 0 or 1", "config-linux.md#cpu");
}

}  // namespace agentsafe::oci
