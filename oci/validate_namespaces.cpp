// config-linux.md#namespaces and what depends on them: names, id mappings, clocks.
#include <set>

#include "oci/validation.h"
#include "runtime/base/text.h"

namespace agentsafe::oci {
namespace {

constexpr std::string_view section = "config-linux.md#namespaces";
constexpr std::string_view user_section = "config-linux.md#user-namespace-mappings";
constexpr std::string_view time_section = "config-linux.md#offset-for-time-namespace";
constexpr std::string_view types[] = {"pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"};

void validate_list(const Linux& linux, Findings& findings) {
  const Where where("linux.namespaces");
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < linux.namespaces.size(); ++i) {
    const auto& ns = linux.namespaces[i];
    const Where row = where[i];
    findings.require_known(ns.type, types, row / "type", section);
    findings.require(seen.insert(ns.type).second, row / "type", "is listed twice", section);
    findings.require(ns.path.empty() || ns.path.starts_with('/'), row / "path", "must be an absolute path", section);
  }
}

void validate_names(const Spec& spec, const NamespaceFacts& facts, Findings& findings) {
  constexpr std::size_t name_limit = 64;  // __NEW_UTS_LEN
  const auto check = [&](const std::string& name, const Where& where, std::string_view name_section) {
    findings.require(name.empty() || facts.uts, where, "needs a uts namespace apart from the host's", name_section);
    findings.require(name.size() <= name_limit, where, "must have at most 64 bytes", name_section);
  };
  check(spec.hostname, Where("hostname"), "config.md#hostname");
  check(spec.domainname, Where("domainname"), "config.md#domainname");
}

void validate_user_namespace(const Linux& linux, const NamespaceFacts& facts, Findings& findings) {
  const Where uids("linux.uidMappings");
  const Where gids("linux.gidMappings");
  for (const auto& [map, where] : {std::pair{&linux.uidMappings, &uids}, std::pair{&linux.gidMappings, &gids}}) {
    findings.require(map->empty() || facts.user, *where, "needs a user namespace", user_section);
    findings.require(!map->empty() || !facts.new_user, *where, "is missing for the new user namespace", user_section);
    validate_mappings(*map, *where, user_section, findings);
  }
}

void validate_clocks(const Linux& linux, const NamespaceFacts& facts, Findings& findings) {
  const Where where("linux.timeOffsets");
  findings.require(linux.timeOffsets.empty() || facts.new_time, where, "needs a new time namespace", time_section);
  for (const auto& [clock, offset] : linux.timeOffsets) {
    const Where row = where / clock;
    findings.require(clock == "monotonic" || clock == "boottime", row, "is neither monotonic nor boottime",
                     time_section);
    findings.require(offset.nanosecs < 1'000'000'000, row / "nanosecs", "must be below 1000000000", time_section);
  }
}

bool overlap(std::uint64_t a, std::uint64_t a_size, std::uint64_t b, std::uint64_t b_size) {
  return a < b + b_size && b < a + a_size;
}

}  // namespace

void validate_mappings(const std::vector<IdMapping>& map, const Where& where, std::string_view map_section,
                       Findings& findings) {
  constexpr std::uint64_t end_of_ids = 0xffffffff;  // the last id is reserved
  constexpr std::size_t row_limit = 340;            // user_namespaces(7), since Linux 4.15
  if (map.size() > row_limit) return findings.add(where, "has more than 340 rows", map_section);
  for (std::size_t i = 0; i < map.size(); ++i) {
    const auto& row = map[i];
    const Where at = where[i];
    findings.require(row.size > 0, at / "size", "must not be 0", map_section);
    findings.require(std::uint64_t{row.containerID} + row.size <= end_of_ids, at,
                     "containerID + size is beyond the last id", map_section);
    findings.require(std::uint64_t{row.hostID} + row.size <= end_of_ids, at, "hostID + size is beyond the last id",
                     map_section);
    for (std::size_t j = 0; j < i; ++j)
      if (overlap(row.containerID, row.size, map[j].containerID, map[j].size) ||
          overlap(row.hostID, row.size, map[j].hostID, map[j].size))
        findings.add(at, "overlaps row " + std::to_string(j), map_section);
  }
}

void validate_namespaces(const Spec& spec, const NamespaceFacts& facts, Findings& findings) {
  const Linux none;
  const auto& linux = spec.linux ? *spec.linux : none;
  if (!spec.linux)
    findings.add(Where("linux"), "is missing: only Linux containers are run", "config.md#platform-specific-configuration");
  validate_list(linux, findings);
  findings.require(facts.mount || !facts.user, Where("linux.namespaces"),
                   "a user namespace needs a mount namespace apart from the host's, in which its root may mount", section);
  validate_names(spec, facts, findings);
  validate_user_namespace(linux, facts, findings);
  validate_clocks(linux, facts, findings);
  findings.require(linux.netDevices.empty() || facts.network, Where("linux.netDevices"),
                   "needs a network namespace apart from the host's", "config-linux.md#network-devices");
}

}  // namespace agentsafe::oci
