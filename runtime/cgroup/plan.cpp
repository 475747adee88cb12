#include "runtime/cgroup/plan.h"

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/cgroup/systemd_plan.h"

namespace agentsafe::cgroup {
namespace {

// The directory that a relative path starts from, without a slash at its end: "" for the top.
std::string start_of_relative(const Hierarchy& hierarchy, bool version2) {
  if (!hierarchy.own)
    fail("cgroupsPath is relative, but this process's own cgroup is not visible below " + hierarchy.mount_point +
         "; give an absolute cgroupsPath");
  std::string start = *hierarchy.own;
  if (version2) start.erase(start.rfind('/'));
  return start == "/" ? "" : start;
}

Place place(const Hierarchy& hierarchy, std::string_view path, bool version2) {
  const std::string below = text::clean_path("/" + std::string(path));
  if (below == "/") fail("cgroupsPath " + std::string(path) + " names the top of a hierarchy, not a cgroup of its own");
  const std::string start = path.starts_with('/') ? "" : start_of_relative(hierarchy, version2);
  return {hierarchy.controllers, hierarchy.mount_point, hierarchy.root, start + below};
}

}  // namespace

CgroupPlan plan_cgroup(std::string_view cgroups_path, std::string_view id, const Hierarchies& host,
                       const PlanOptions& options) {
  CgroupPlan plan;
  if (options.disabled) return plan;
  if (options.systemd) return in_context("plan the cgroup", [&] { return plan_systemd(cgroups_path, id, host, options); });
  const std::string_view path = cgroups_path.empty() ? id : cgroups_path;
  plan.rootless = options.rootless;
  plan.best_effort = options.rootless && cgroups_path.empty();
  in_context("plan the cgroup", [&] {
    const auto usable = [&](const Hierarchy& hierarchy) { return hierarchy.own || !plan.best_effort; };
    for (const auto& hierarchy : host.v1)
      if (usable(hierarchy)) plan.v1.push_back(place(hierarchy, path, false));
    if (host.unified && usable(*host.unified)) plan.unified = place(*host.unified, path, host.mode == Mode::v2);
  });
  return plan;
}

}  // namespace agentsafe::cgroup
