// The rest of config-linux.md: devices, paths, and the words of single properties.
#include <algorithm>
#include <set>

#include "oci/validation.h"
#include "runtime/base/text.h"

namespace agentsafe::oci {
namespace {

constexpr std::string_view memory_section = "config-linux.md#memory-policy";

void validate_devices(const Linux& linux, Findings& findings) {
  constexpr std::string_view section = "config-linux.md#devices";
  constexpr std::string_view types[] = {"c", "b", "u", "p"};
  constexpr std::int64_t major_limit = 0xfff;  // the kernel's dev_t: 12 bits, 20 bits
  constexpr std::int64_t minor_limit = 0xfffff;
  const Where where("linux.devices");
  for (std::size_t i = 0; i < linux.devices.size(); ++i) {
    const auto& device = linux.devices[i];
    const Where at = where[i];
    findings.require_known(device.type, types, at / "type", section);
    findings.require_absolute(device.path, at / "path", section);
    if (device.type == "p") continue;
    findings.require(device.major >= 0 && device.major <= major_limit, at / "major", "must be from 0 to 4095", section);
    findings.require(device.minor >= 0 && device.minor <= minor_limit, at / "minor", "must be from 0 to 1048575",
                     section);
  }
}

// What the kernel takes as the name of an interface (dev_valid_name); "%d" stands for a free number.
bool is_interface_name(std::string_view name) {
  constexpr std::size_t name_limit = 15;  // IFNAMSIZ - 1
  return !name.empty() && name.size() <= name_limit && name != "." && name != ".." &&
         name.find_first_of("/: \t\n\v\f\r") == std::string_view::npos;
}

void validate_net_devices(const Linux& linux, Findings& findings) {
  constexpr std::string_view section = "config-linux.md#network-devices";
  const Where where("linux.netDevices");
  std::set<std::string_view> names;
  for (const auto& [name, device] : linux.netDevices) {
    const Where at = where / name;
    const std::string& inside = device.name.empty() ? name : device.name;
    findings.require(is_interface_name(name), at, "is not the name of a network interface", section);
    findings.require(is_interface_name(inside), at / "name", "is not the name of a network interface", section);
    const bool is_new = names.insert(inside).second || inside.find('%') != std::string::npos;
    findings.require(is_new, at / "name", "is given to two devices", section);
  }
}

void validate_paths(const Linux& linux, Findings& findings) {
  const Where masked("linux.maskedPaths");
  for (std::size_t i = 0; i < linux.maskedPaths.size(); ++i)
    findings.require_absolute(linux.maskedPaths[i], masked[i], "config-linux.md#masked-paths");
  const Where readonly("linux.readonlyPaths");
  for (std::size_t i = 0; i < linux.readonlyPaths.size(); ++i)
    findings.require_absolute(linux.readonlyPaths[i], readonly[i], "config-linux.md#readonly-paths");
  const auto parts = text::split(linux.cgroupsPath, '/');
  findings.require(std::find(parts.begin(), parts.end(), "..") == parts.end(), Where("linux.cgroupsPath"),
                   "must not have \"..\" components", "config-linux.md#cgroups-path");
}

// set_mempolicy(2)
void validate_memory_policy(const MemoryPolicy& policy, Findings& findings) {
  constexpr std::string_view modes[] = {
      "MPOL_DEFAULT",   "MPOL_BIND",           "MPOL_INTERLEAVE", "MPOL_WEIGHTED_INTERLEAVE",
      "MPOL_PREFERRED", "MPOL_PREFERRED_MANY", "MPOL_LOCAL"};
  constexpr std::string_view flags[] = {"MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES"};
  const Where where("linux.memoryPolicy");
  findings.require_known(policy.mode, modes, where / "mode", memory_section);
  const Where words = where / "flags";
  for (std::size_t i = 0; i < policy.flags.size(); ++i)
    findings.require_known(policy.flags[i], flags, words[i], memory_section);
  const auto has = [&](std::string_view flag) {
    return std::find(policy.flags.begin(), policy.flags.end(), flag) != policy.flags.end();
  };
  findings.require(!has("MPOL_F_RELATIVE_NODES") || !has("MPOL_F_STATIC_NODES"), words,
                   "MPOL_F_RELATIVE_NODES and MPOL_F_STATIC_NODES exclude each other", memory_section);
  findings.require(is_number_list(policy.nodes), where / "nodes", "must be a list of nodes such as 0-3,7",
                   memory_section);
  const bool takes_none = policy.mode == "MPOL_DEFAULT" || policy.mode == "MPOL_LOCAL";
  const bool needs_some = !takes_none && policy.mode != "MPOL_PREFERRED";
  findings.require(!takes_none || policy.nodes.empty(), where / "nodes", "must be empty for this mode", memory_section);
  findings.require(!needs_some || !policy.nodes.empty(), where / "nodes", "is missing for this mode", memory_section);
}

void validate_rdt(const IntelRdt& rdt, Findings& findings) {
  constexpr std::string_view section = "config-linux.md#intelrdt";
  const bool is_component = rdt.closID != "." && rdt.closID != ".." && rdt.closID.find('/') == std::string::npos;
  findings.require(is_component || rdt.closID == "/", Where("linux.intelRdt.closID"),
                   "must be one path component, or \"/\"", section);
  const Where schemata("linux.intelRdt.schemata");
  for (std::size_t i = 0; i < rdt.schemata.size(); ++i)
    findings.require(rdt.schemata[i].find('\n') == std::string::npos, schemata[i], "must be one line", section);
}

}  // namespace

void validate_linux(const Linux& linux, Findings& findings) {
  constexpr std::string_view propagations[] = {"",        "shared",   "rshared",    "slave",      "rslave",
                                               "private", "rprivate", "unbindable", "runbindable"};
  constexpr std::string_view domains[] = {"LINUX", "LINUX32"};
  validate_devices(linux, findings);
  validate_net_devices(linux, findings);
  validate_paths(linux, findings);
  findings.require_known(linux.rootfsPropagation, propagations, Where("linux.rootfsPropagation"),
                         "config-linux.md#rootfs-mount-propagation");
  if (linux.personality)
    findings.require_known(linux.personality->domain, domains, Where("linux.personality.domain"),
                           "config-linux.md#personality");
  if (linux.memoryPolicy) validate_memory_policy(*linux.memoryPolicy, findings);
  if (linux.intelRdt) validate_rdt(*linux.intelRdt, findings);
  if (linux.seccomp) validate_seccomp(*linux.seccomp, findings);
  if (linux.resources) validate_resources(*linux.resources, Where("linux.resources"), findings);
}

}  // namespace agentsafe::oci
