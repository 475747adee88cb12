#include <set>

#include "oci/validation.h"
#include "runtime/base/text.h"

namespace agentsafe::oci {
namespace {

constexpr std::string_view linux_section = "config-linux.md#namespaces";
constexpr std::string_view namespace_types[] = {"pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"};
constexpr std::string_view propagations[] = {"shared", "rshared", "slave", "rslave", "private", "rprivate", "unbindable", "runbindable"};

bool is_one_component(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos;
}

void validate_mappings(const std::vector<IdMapping>& map, const std::string& path, Findings& findings) {
  constexpr std::string_view section = "config-linux.md#user-namespace-mappings";
  constexpr std::uint64_t end_of_ids = 0xffffffff;  // the last id is reserved
  for (std::size_t i = 0; i < map.size(); ++i) {
    const auto& row = map[i];
    findings.require(row.size > 0, at(path, i) + ".size", "must not be 0", section);
    findings.require(std::uint64_t{row.containerID} + row.size <= end_of_ids, at(path, i), "containerID + size is beyond the last id", section);
    findings.require(std::uint64_t{row.hostID} + row.size <= end_of_ids, at(path, i), "hostID + size is beyond the last id", section);
    for (std::size_t j = 0; j < i; ++j) {
      const auto overlap = [](std::uint64_t a, std::uint64_t a_size, std::uint64_t b, std::uint64_t b_size) {
        return a < b + b_size && b < a + a_size;
      };
      findings.require(!overlap(row.containerID, row.size, map[j].containerID, map[j].size) &&
                           !overlap(row.hostID, row.size, map[j].hostID, map[j].size),
                       at(path, i), "overlaps " + at(path, j), section);
    }
  }
}

}  // namespace

NamespaceFacts namespace_facts(const Spec& spec) {
  NamespaceFacts facts;
  if (!spec.linux) return facts;
  for (const auto& ns : spec.linux->namespaces) {
    if (ns.type == "user") facts.user = true, facts.new_user = ns.path.empty();
    if (ns.type == "pid") facts.pid = true;
    if (ns.type == "network") facts.network = true;
    if (ns.type == "ipc") facts.ipc = true;
    if (ns.type == "uts") facts.uts = true;
    if (ns.type == "mount") facts.mount = true;
    if (ns.type == "cgroup") facts.cgroup = true;
    if (ns.type == "time") facts.new_time = ns.path.empty();
  }
  return facts;
}

void validate_namespaces(const Spec& spec, Findings& findings) {
  const Linux none;
  const auto& linux = spec.linux ? *spec.linux : none;
  const auto facts = namespace_facts(spec);
  std::set<std::string> seen;
  for (std::size_t i = 0; i < linux.namespaces.size(); ++i) {
    const auto& ns = linux.namespaces[i];
    const std::string path = at("linux.namespaces", i);
    findings.require(is_one_of(ns.type, namespace_types), path + ".type", "\"" + text::escaped(ns.type) + "\" is unknown", linux_section);
    findings.require(seen.insert(ns.type).second, path, "the namespace " + text::escaped(ns.type) + " is listed twice", linux_section);
    findings.require(ns.path.empty() || ns.path.starts_with('/'), path + ".path", "must be an absolute path", linux_section);
  }
  findings.require(facts.mount, "linux.namespaces", "a mount namespace is required: the root file system is made in it", linux_section);
  findings.require(spec.hostname.empty() || facts.uts, "hostname", "needs a uts namespace: it is not possible to set it without a private UTS namespace", "config.md#hostname");
  findings.require(spec.domainname.empty() || facts.uts, "domainname", "needs a uts namespace", "config.md#domainname");
  const bool mapped = !linux.uidMappings.empty() || !linux.gidMappings.empty();
  findings.require(!mapped || facts.user, "linux.uidMappings", "need a user namespace: user namespace mappings specified, but USER namespace isn't enabled in the config", "config-linux.md#user-namespace-mappings");
  if (facts.new_user) {
    findings.require(!linux.uidMappings.empty(), "linux.uidMappings", "is missing for the new user namespace", "config-linux.md#user-namespace-mappings");
    findings.require(!linux.gidMappings.empty(), "linux.gidMappings", "is missing for the new user namespace", "config-linux.md#user-namespace-mappings");
  }
  validate_mappings(linux.uidMappings, "linux.uidMappings", findings);
  validate_mappings(linux.gidMappings, "linux.gidMappings", findings);
  findings.require(linux.timeOffsets.empty() || facts.new_time, "linux.timeOffsets", "need a new time namespace", "config-linux.md#offset-for-time-namespace");
  for (const auto& [clock, offset] : linux.timeOffsets) {
    findings.require(clock == "monotonic" || clock == "boottime", "linux.timeOffsets", "\"" + text::escaped(clock) + "\" is neither monotonic nor boottime", "config-linux.md#offset-for-time-namespace");
    findings.require(offset.nanosecs < 1'000'000'000, "linux.timeOffsets." + clock + ".nanosecs", "must be below 1000000000", "config-linux.md#offset-for-time-namespace");
  }
}

void validate_linux(const Spec& spec, Findings& findings) {
  validate_namespaces(spec, findings);
  if (!spec.linux) return;
  const auto& linux = *spec.linux;
  validate_sysctl(spec, findings);
  validate_devices(linux, findings);
  if (linux.seccomp) validate_seccomp(*linux.seccomp, findings);
  if (linux.resources) validate_resources(*linux.resources, "linux.resources", findings);
  for (const auto& [name, device] : linux.netDevices) {
    constexpr std::string_view section = "config-linux.md#network-devices";
    constexpr std::size_t name_limit = 15;  // IFNAMSIZ - 1
    for (const auto& each : {name, device.name.empty() ? name : device.name})
      findings.require(is_one_component(each) && each.size() <= name_limit && each.find_first_of(" \t\n:") == std::string::npos,
                       "linux.netDevices", "\"" + text::escaped(each) + "\" is no valid interface name", section);
    findings.require(namespace_facts(spec).network, "linux.netDevices", "need a network namespace", section);
  }
  findings.require(linux.rootfsPropagation.empty() || is_one_of(linux.rootfsPropagation, propagations), "linux.rootfsPropagation",
                   "\"" + text::escaped(linux.rootfsPropagation) + "\" is unknown", "config-linux.md#rootfs-mount-propagation");
  for (const auto& path : linux.maskedPaths)
    findings.require(path.starts_with('/'), "linux.maskedPaths", "\"" + text::escaped(path) + "\" must be an absolute path", "config-linux.md#masked-paths");
  for (const auto& path : linux.readonlyPaths)
    findings.require(path.starts_with('/'), "linux.readonlyPaths", "\"" + text::escaped(path) + "\" must be an absolute path", "config-linux.md#readonly-paths");
  if (linux.personality) {
    constexpr std::string_view domains[] = {"LINUX", "LINUX32"};
    findings.require(is_one_of(linux.personality->domain, domains), "linux.personality.domain",
                     "\"" + text::escaped(linux.personality->domain) + "\" is unknown", "config-linux.md#personality");
  }
  if (linux.intelRdt)
    findings.require(linux.intelRdt->closID.empty() || linux.intelRdt->closID == "/" || is_one_component(linux.intelRdt->closID),
                     "linux.intelRdt.closID", "must be one path component, or \"/\"", "config-linux.md#intelrdt");
}

}  // namespace agentsafe::oci
