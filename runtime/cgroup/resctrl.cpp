#include "runtime/cgroup/resctrl.h"

#include <unistd.h>

#include <map>
#include <utility>

#include "runtime/base/error.h"
#include "runtime/base/scope.h"
#include "runtime/base/text.h"
#include "runtime/sys/fd.h"

namespace agentsafe::cgroup {
namespace {

constexpr mode_t directory_mode = 0755;

std::string group_path(const std::string& mount_point, const oci::IntelRdt& config, const std::string& id) {
  if (config.closID == "/") return mount_point;
  const std::string& name = config.closID.empty() ? id : config.closID;
  if (name.find('/') != std::string::npos || name == "." || name == ".." || name == "info" || name == "mon_groups" ||
      name == "mon_data")
    fail("closID \"" + text::escaped(name) + "\" cannot be the name of a resctrl group");
  return mount_point + "/" + name;
}

// The kernel explains a refused write in info/last_cmd_status.
std::string last_status(const std::string& mount_point) {
  const auto status = sys::try_read_file(sys::at_cwd, mount_point + "/info/last_cmd_status");
  const auto words = std::string(text::trim(status.value_or("")));
  return words.empty() || words == "ok" ? "" : " (" + text::escaped(words) + ")";
}

void write_schemata(const std::string& mount_point, const std::string& group, const std::string& schemata) {
  for (const auto line : text::lines(schemata)) {
    try {
      sys::write_file(sys::at_cwd, group + "/schemata", std::string(line) + "\n");
    } catch (const Error& error) {
      throw Error(error.message() + last_status(mount_point), error.error_number());
    }
  }
}

// The lines of a schema, trimmed, each with its newline; those that start with `left_out` are not among them.
std::string tidy_lines(const std::string& schema, std::optional<std::string_view> left_out = std::nullopt) {
  std::string kept;
  for (const auto line : text::lines(schema)) {
    const auto content = text::trim(line);
    if (!content.empty() && !(left_out && content.starts_with(*left_out))) kept += std::string(content) + "\n";
  }
  return kept;
}

// {"L3": {"0": "f"}} of "L3:0=0f"
using Schemata = std::map<std::string, std::map<std::string, std::string>>;
Schemata parse_schemata(std::string_view content) {
  Schemata schemata;
  for (const auto line : text::lines(content)) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    auto& domains = schemata[std::string(text::trim(line.substr(0, colon)))];
    for (const auto part : text::split(line.substr(colon + 1), ';')) {
      const auto equals = part.find('=');
      if (equals == std::string_view::npos) continue;
      std::string value = text::lower(text::trim(part.substr(equals + 1)));
      value.erase(0, std::min(value.find_first_not_of('0'), value.size() - 1));
      domains[std::string(text::trim(part.substr(0, equals)))] = std::move(value);
    }
  }
  return schemata;
}

std::string schema_line(std::string_view content, std::string_view prefix) {
  for (const auto line : text::lines(content))
    if (text::trim(line).starts_with(prefix)) return std::string(text::trim(line));
  return {};
}

std::uint64_t number(const std::string& file) {
  const auto content = sys::try_read_file(sys::at_cwd, file).value_or("");
  return text::parse<std::uint64_t>(text::trim(content)).value_or(0);
}

std::string word(const std::string& file) {
  return std::string(text::trim(sys::try_read_file(sys::at_cwd, file).value_or("")));
}

void add_monitoring(const std::string& group, IntelRdtStats& stats) {
  const UniqueFd data = sys::try_openat(sys::at_cwd, group + "/mon_data", O_RDONLY | O_DIRECTORY);
  if (!data) return;
  for (const auto& domain : sys::list_directory(data)) {
    if (!domain.starts_with("mon_L3_")) continue;
    const std::string directory = group + "/mon_data/" + domain;
    stats.mbm_stats.push_back({number(directory + "/mbm_total_bytes"), number(directory + "/mbm_local_bytes")});
    stats.cmt_stats.push_back({number(directory + "/llc_occupancy")});
  }
}

// true when it was made.
bool make_group(const std::string& mount_point, const std::string& group, const oci::IntelRdt& config) {
  const std::string wanted = schemata_text(config);
  const bool exists = sys::try_fstatat(sys::at_cwd, group).has_value();
  if (!exists && !config.closID.empty() && wanted.empty())
    fail("the group " + group + " does not exist, and no schemata are given to make it with");
  if (exists) {
    const auto current = sys::read_file(sys::at_cwd, group + "/schemata");
    if (!schemata_hold(wanted, current))
      fail("the group " + group + " exists, and its schemata (" + text::escaped(text::trim(current)) +
           ") are not the ones of the configuration (" + text::escaped(text::trim(wanted)) + ")");
    return false;
  }
  if (!sys::try_mkdirat(sys::at_cwd, group, directory_mode)) return make_group(mount_point, group, config);
  OnExit undo([&] { ::rmdir(group.c_str()); });
  write_schemata(mount_point, group, wanted);
  undo.keep();
  return true;
}

}  // namespace

ResctrlGroup::ResctrlGroup(ResctrlGroup&& other) noexcept
    : facts_(std::move(other.facts_)), owned_(std::exchange(other.owned_, false)) {}

ResctrlGroup::~ResctrlGroup() {
  if (!owned_) return;
  if (!facts_.monitoring_group.empty()) ::rmdir(facts_.monitoring_group.c_str());
  if (facts_.made_group) ::rmdir(facts_.group.c_str());
}

void ResctrlGroup::add(pid_t pid) {
  in_context("intelRdt", [&] {
    sys::write_file(sys::at_cwd, facts_.group + "/tasks", std::to_string(pid));
    if (!facts_.monitoring_group.empty())
      sys::write_file(sys::at_cwd, facts_.monitoring_group + "/tasks", std::to_string(pid));
  });
}

ResctrlFacts ResctrlGroup::keep() {
  owned_ = false;
  return facts_;
}

std::string resctrl_mount_point() {
  const std::string usual = "/sys/fs/resctrl";
  if (!sys::try_fstatat(sys::at_cwd, usual + "/schemata"))
    fail("intelRdt: resctrl is not mounted; where the processor has it: mount -t resctrl resctrl " + usual);
  return usual;
}

ResctrlGroup make_resctrl_group(const std::string& mount_point, const oci::IntelRdt& config, const std::string& id) {
  return in_context("intelRdt", [&] {
    ResctrlFacts facts;
    facts.group = group_path(mount_point, config, id);
    facts.made_group = make_group(mount_point, facts.group, config);
    ResctrlGroup group(facts);
    if (!config.enableMonitoring) return group;
    const std::string monitoring = facts.group + "/mon_groups/" + id;
    sys::mkdirat(sys::at_cwd, monitoring, directory_mode);
    ResctrlFacts with_monitoring = group.keep();
    with_monitoring.monitoring_group = monitoring;
    return ResctrlGroup(with_monitoring);
  });
}

void update_resctrl_group(const ResctrlFacts& facts, const std::optional<std::string>& l3_cache_schema,
                          const std::optional<std::string>& mem_bw_schema) {
  in_context("intelRdt", [&] {
    oci::IntelRdt change;
    change.l3CacheSchema = l3_cache_schema.value_or("");
    change.memBwSchema = mem_bw_schema.value_or("");
    const auto slash = facts.group.rfind('/');
    const std::string mount_point = facts.group.substr(0, slash);
    const auto before = sys::read_file(sys::at_cwd, facts.group + "/schemata");
    OnExit undo([&] { write_schemata(mount_point, facts.group, before); });
    write_schemata(mount_point, facts.group, schemata_text(change));
    undo.keep();
  });
}

void remove_resctrl_group(const ResctrlFacts& facts) {
  const auto remove = [](const std::string& path) {
    if (::rmdir(path.c_str()) != 0 && errno != ENOENT) fail_errno("intelRdt: remove " + path);
  };
  if (!facts.monitoring_group.empty()) remove(facts.monitoring_group);
  if (facts.made_group) remove(facts.group);
}

IntelRdtStats resctrl_stats(const std::string& mount_point, const ResctrlFacts& facts) {
  IntelRdtStats stats;
  const auto root = sys::try_read_file(sys::at_cwd, mount_point + "/schemata").value_or("");
  const auto own = sys::try_read_file(sys::at_cwd, facts.group + "/schemata").value_or("");
  const std::string l3 = mount_point + "/info/L3/";
  if (sys::try_fstatat(sys::at_cwd, l3 + "cbm_mask")) {
    stats.l3_cache_info = L3CacheInfo{word(l3 + "cbm_mask"), number(l3 + "min_cbm_bits"), number(l3 + "num_closids")};
    stats.l3_cache_schema_root = schema_line(root, "L3:");
    stats.l3_cache_schema = schema_line(own, "L3:");
  }
  const std::string mb = mount_point + "/info/MB/";
  if (sys::try_fstatat(sys::at_cwd, mb + "min_bandwidth")) {
    stats.mem_bw_info = MemoryBandwidthInfo{number(mb + "bandwidth_gran"), number(mb + "delay_linear"),
                                            number(mb + "min_bandwidth"), number(mb + "num_closids")};
    stats.mem_bw_schema_root = schema_line(root, "MB:");
    stats.mem_bw_schema = schema_line(own, "MB:");
  }
  for (const auto line : text::lines(own)) stats.schemata.emplace_back(text::trim(line));
  add_monitoring(facts.monitoring_group.empty() ? facts.group : facts.monitoring_group, stats);
  return stats;
}

std::string schemata_text(const oci::IntelRdt& config) {
  std::string schemata =
      config.memBwSchema.empty() ? tidy_lines(config.l3CacheSchema) : tidy_lines(config.l3CacheSchema, "MB:");
  schemata += tidy_lines(config.memBwSchema);
  for (const auto& line : config.schemata) schemata += tidy_lines(line);
  return schemata;
}

bool schemata_hold(std::string_view wanted, std::string_view current) {
  const Schemata have = parse_schemata(current);
  for (const auto& [resource, domains] : parse_schemata(wanted)) {
    const auto found = have.find(resource);
    if (found == have.end()) return false;
    for (const auto& [domain, value] : domains) {
      const auto other = found->second.find(domain);
      if (other == found->second.end() || other->second != value) return false;
    }
  }
  return true;
}

}  // namespace agentsafe::cgroup
