#include "runtime/cgroup/systemd_plan.h"

#include <algorithm>
#include <cmath>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/systemd/unit.h"

namespace agentsafe::cgroup {
namespace {

constexpr std::string_view property_prefix = "org.systemd.property.";
constexpr const char* subgroup_annotation = "run.oci.systemd.subgroup";

struct PathParts {
  std::string slice;
  std::string prefix = "runc";
  std::string name;
};

PathParts parts_of(std::string_view path, std::string_view id, bool rootless) {
  PathParts parts{rootless ? "user.slice" : "system.slice", "runc", std::string(id)};
  if (path.empty()) return parts;
  const auto words = text::split(path, ':');
  if (words.size() != 3)
    fail("expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups, got \"" +
         text::escaped(path) + "\" instead");
  if (!words[0].empty()) parts.slice = words[0];
  parts.prefix = words[1];
  if (!words[2].empty()) parts.name = words[2];
  return parts;
}

std::string unit_name(const PathParts& parts) {
  if (parts.name.ends_with(".slice")) return parts.name;
  return systemd::escape_name(parts.prefix.empty() ? parts.name : parts.prefix + "-" + parts.name) + ".scope";
}

// The hierarchy that systemd keeps its units in.
const Hierarchy& systemd_hierarchy(const Hierarchies& host) {
  if (host.mode == Mode::v2) return *host.unified;
  for (const auto& hierarchy : host.v1)
    if (hierarchy.controllers == std::vector<std::string>{"name=systemd"}) return hierarchy;
  fail("systemd's own cgroup hierarchy (name=systemd) is not mounted; use --cgroup-manager=cgroupfs");
}

std::string join_paths(const std::string& root, const std::string& below) {
  return (root == "/" ? "" : root) + (below == "/" ? "" : below);
}

SystemdUnit plan_unit(const PathParts& parts, const Hierarchies& host, const PlanOptions& options) {
  SystemdUnit unit;
  unit.slice = parts.slice == "-" ? "-.slice" : parts.slice;
  unit.unit = unit_name(parts);
  systemd::check_unit_name(unit.unit);
  unit.user = options.rootless;
  const auto& hierarchy = systemd_hierarchy(host);
  if (unit.user)
    unit.cgroup = systemd::user_manager_path(join_paths(hierarchy.root, hierarchy.own.value_or("/")), options.uid);
  // a slice lies where its name says, whatever slice wants it
  unit.cgroup += unit.unit.ends_with(".slice") ? systemd::slice_path(unit.unit)
                                               : systemd::slice_path(unit.slice) + "/" + unit.unit;
  if (const auto found = options.annotations.find(subgroup_annotation); found != options.annotations.end()) {
    unit.subgroup = text::trim(found->second);
    const bool one_name = !unit.subgroup.empty() && unit.subgroup.front() != '.' &&
                          !unit.subgroup.starts_with("cgroup.") && unit.subgroup.find('/') == std::string::npos;
    if (!one_name)
      fail(std::string(subgroup_annotation) + ": \"" + text::escaped(unit.subgroup) + "\" is not the name of a cgroup");
  }
  unit.properties = annotated_properties(options.annotations);
  return unit;
}

Place place_in(const Hierarchy& hierarchy, const SystemdUnit& unit) {
  const std::string whole = unit.cgroup + (unit.subgroup.empty() ? "" : "/" + unit.subgroup);
  const auto path = within(whole, hierarchy.root);
  if (!path || *path == "/")
    fail(whole + " is not visible below " + hierarchy.mount_point + ", which shows " + hierarchy.root);
  return {hierarchy.controllers, hierarchy.mount_point, hierarchy.root, *path};
}

bool is_property_name(std::string_view name) {
  return name.size() >= 3 && name.front() >= 'A' && name.front() <= 'Z' &&
         std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); });
}

// "TimeoutStopSec": "1.5" → {"TimeoutStopUSec", uint64 1500000}: systemd's D-Bus interface has no seconds.
systemd::Property in_microseconds(const std::string& name, const systemd::Value& given) {
  constexpr double per_second = 1e6;
  double seconds = 0;
  if (given.signature == "d")
    std::memcpy(&seconds, &given.bits, sizeof seconds);
  else if (given.signature == "t" || given.signature == "u" || given.signature == "q" || given.signature == "y")
    seconds = static_cast<double>(given.bits);
  else if (given.signature == "i" || given.signature == "x" || given.signature == "n")
    seconds = static_cast<double>(static_cast<std::int64_t>(given.bits));
  else
    fail("a number of seconds is expected");
  if (!(seconds >= 0) || seconds > 1e13) fail("a number of seconds is expected");
  return {name.substr(0, name.size() - 3) + "USec",
          systemd::number('t', static_cast<std::uint64_t>(std::llround(seconds * per_second)))};
}

}  // namespace

bool is_systemd_path(std::string_view cgroups_path) {
  return !cgroups_path.starts_with('/') && std::count(cgroups_path.begin(), cgroups_path.end(), ':') == 2;
}

std::vector<systemd::Property> annotated_properties(const std::map<std::string, std::string>& annotations) {
  std::vector<systemd::Property> properties;
  for (const auto& annotation : annotations) {
    const std::string& key = annotation.first;
    if (!key.starts_with(property_prefix)) continue;
    in_context("annotation " + text::escaped(key), [&] {
      const std::string name = key.substr(property_prefix.size());
      if (!is_property_name(name))
        fail("\"" + text::escaped(name) + "\" is not the name of a property, such as TimeoutStopUSec");
      auto parsed = systemd::parse_gvariant(annotation.second);
      if (name.ends_with("Sec") && !name.ends_with("USec"))
        properties.push_back(in_microseconds(name, parsed));
      else
        properties.emplace_back(name, std::move(parsed));
    });
  }
  return properties;
}

CgroupPlan plan_systemd(std::string_view cgroups_path, std::string_view id, const Hierarchies& host,
                        const PlanOptions& options) {
  if (host.mode == Mode::none) fail("no cgroup file system is mounted");
  if (options.rootless && host.mode != Mode::v2)
    fail("the user's own systemd can limit nothing on cgroup version 1; use --cgroup-manager=cgroupfs");
  CgroupPlan plan;
  plan.rootless = options.rootless;
  plan.systemd = plan_unit(parts_of(cgroups_path, id, options.rootless), host, options);
  for (const auto& hierarchy : host.v1) plan.v1.push_back(place_in(hierarchy, *plan.systemd));
  if (host.unified) plan.unified = place_in(*host.unified, *plan.systemd);
  return plan;
}

}  // namespace agentsafe::cgroup
