// What the two implementations of cgroup.h share. Only cgroup.cpp, v1.cpp and v2.cpp include this.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "runtime/base/error.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/cgroup/directory.h"

namespace agentsafe::cgroup {

[[nodiscard]] std::unique_ptr<Cgroup> make_v1(const CgroupPlan& plan);  // also hybrid, and none
[[nodiscard]] std::unique_ptr<Cgroup> make_v2(const CgroupPlan& plan);
[[nodiscard]] std::unique_ptr<Cgroup> make_systemd(const CgroupPlan& plan, const std::string& session_bus);

// An argument of exec --cgroup.
struct SubCgroup {
  std::vector<std::string> controllers;  // empty: all
  std::string path;
};
[[nodiscard]] SubCgroup parse_sub_cgroup(const std::string& argument);
// place.path with sub below it; throws "bad sub cgroup path: …" when it would leave the place.
[[nodiscard]] Place below(Place place, const std::string& sub);

// The place that process pid is in now, in the hierarchy of `place`. Throws when it is outside of the mount.
[[nodiscard]] Place place_of(pid_t pid, const Place& place);

// "container's cgroup is not empty: N process(es) found"
void refuse_processes(Directory& directory);
[[noreturn]] void refuse_frozen();

// Why a limit cannot be set where there is no cgroup, and what to do.
inline constexpr const char* no_cgroup =
    "the container has no cgroup: let the user have one that is delegated (systemd's Delegate=yes), or leave its limits "
    "out (in a policy: \"unlimited\")";

// The errors of a file system that this user may not change.
[[nodiscard]] bool is_refusal(const Error& error);

}  // namespace agentsafe::cgroup
