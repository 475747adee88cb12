#include "runtime/container/restored_check.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <set>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/mount/in_root.h"
#include "runtime/mount/mount_table.h"
#include "runtime/sys/fd.h"

namespace agentsafe::container {
namespace {

constexpr std::pair<std::uint64_t, const char*> namespace_files[] = {
    {CLONE_NEWPID, "pid"}, {CLONE_NEWNET, "net"},   {CLONE_NEWNS, "mnt"},       {CLONE_NEWIPC, "ipc"},
    {CLONE_NEWUTS, "uts"}, {CLONE_NEWUSER, "user"}, {CLONE_NEWCGROUP, "cgroup"}};

std::string path_of(pid_t pid, const std::string& below) { return "/proc/" + std::to_string(pid) + "/" + below; }

// The init and all its descendants. They stand still: the tree does not change.
std::vector<pid_t> processes_below(pid_t init) {
  std::vector<pid_t> found{init};
  for (std::size_t i = 0; i < found.size(); ++i) {
    const UniqueFd tasks = sys::openat(sys::at_cwd, path_of(found[i], "task"), O_RDONLY | O_DIRECTORY);
    for (const auto& task : sys::list_directory(tasks)) {
      const std::string children = sys::read_file(tasks, task + "/children");
      for (const auto child : text::words(children))
        if (const auto pid = text::parse<pid_t>(child)) found.push_back(*pid);
    }
  }
  return found;
}

void check_namespaces(const plan::Plan& plan, pid_t pid) {
  for (const auto& [flag, name] : namespace_files) {
    if ((plan.init.namespaces.create & flag) == 0) continue;
    const std::string file = std::string("ns/") + name;
    if (sys::readlinkat(sys::at_cwd, path_of(pid, file)) == sys::readlinkat(sys::at_cwd, "/proc/self/" + file))
      fail(std::string("it is in the host's ") + name + " namespace");
  }
}

void check_cgroup(const Container& container, pid_t pid) {
  const auto& place = container.record.cgroup.unified;
  if (!place) return;
  const std::string path = (place->root == "/" ? "" : place->root) + place->path;
  const std::string cgroups = sys::read_file(sys::at_cwd, path_of(pid, "cgroup"));
  for (const auto line : text::lines(cgroups)) {
    if (!line.starts_with("0::")) continue;
    const auto own = line.substr(3);
    if (own != path && !own.starts_with(path + "/"))
      fail("it is in the cgroup " + text::escaped(own) + ", not in " + path);
  }
}

void check_profile(const security::Confinement& confinement, pid_t pid) {
  const auto& wanted = confinement.apparmor_profile;
  if (wanted.empty() || wanted == "unconfined") return;
  const auto label = sys::try_read_file(sys::at_cwd, path_of(pid, "attr/current"));
  const std::string_view found = label ? std::string_view(*label) : std::string_view();
  if (found.substr(0, found.find_first_of(" \n")) != wanted) fail("it is not under the AppArmor profile " + wanted);
}

void check_process(const plan::Plan& plan, const Container& container, pid_t pid) {
  check_namespaces(plan, pid);
  check_cgroup(container, pid);
  check_profile(plan.init.confinement, pid);
  const auto less = shortfall(read_facts(sys::read_file(sys::at_cwd, path_of(pid, "status"))), plan.init.confinement);
  if (!less.empty()) fail(less);
}

// Mount points as the table has them: without links.
class Places {
 public:
  explicit Places(pid_t init) : root_(sys::openat(sys::at_cwd, path_of(init, "root"), O_PATH | O_DIRECTORY)) {}

  void allow(const std::string& path, bool with_all_below = false) {
    const UniqueFd place = mount::try_open_in_root(root_, path);
    if (!place) return;
    const std::string real = sys::readlinkat(sys::at_cwd, sys::proc_path(place));
    allowed_.insert(real);
    if (with_all_below) trees_.push_back(real + "/");
  }
  [[nodiscard]] bool allows(std::string_view point) const {
    const auto is_above = [&](const std::string& tree) { return point.starts_with(tree); };
    return allowed_.count(std::string(point)) != 0 || std::any_of(trees_.begin(), trees_.end(), is_above);
  }
  void demand_readonly(const std::string& path) const {
    const UniqueFd place = mount::try_open_in_root(root_, path);
    struct statvfs info {};
    if (!place) return;
    if (::fstatvfs(place.get(), &info) != 0) fail_errno("statvfs " + path);
    if ((info.f_flag & ST_RDONLY) == 0) fail("mount " + path + ": it is not read-only");
  }
  // A directory is an empty read-only file system, a file is the null device.
  void demand_mask(const std::string& path) const {
    const UniqueFd place = mount::try_open_in_root(root_, path);
    if (!place) return;
    const auto info = sys::fstat(place);
    if (S_ISDIR(info.st_mode)) return demand_readonly(path);
    if (!S_ISCHR(info.st_mode) || info.st_rdev != makedev(1, 3)) fail("mount " + path + ": it is not masked");
  }

 private:
  UniqueFd root_;
  std::set<std::string> allowed_;
  std::vector<std::string> trees_;
};

Places planned_places(const mount::RootfsPlan& plan, pid_t init) {
  Places places(init);
  places.allow("/");
  for (const auto& step : plan.mounts)
    places.allow(step.destination, step.recursive || step.kind == mount::StepKind::cgroup);
  for (const auto& path : plan.masked_paths) places.allow(path);
  for (const auto& path : plan.readonly_paths) places.allow(path, true);
  for (const auto& device : plan.devices) places.allow(device.path);
  places.allow("/dev/console");
  places.allow("/run/notify");
  return places;
}

void check_mounts(const mount::RootfsPlan& plan, pid_t init) {
  const Places places = planned_places(plan, init);
  const std::string table = sys::read_file(sys::at_cwd, path_of(init, "mountinfo"));
  for (const auto& line : mount::parse_mount_table(table))
    if (!places.allows(line.point)) fail("mount " + text::escaped(line.point) + ": the bundle has none there");
  for (const auto& path : plan.masked_paths) places.demand_mask(path);
  for (const auto& path : plan.readonly_paths) places.demand_readonly(path);
  if (plan.readonly) places.demand_readonly("/");
}

}  // namespace

ProcessFacts read_facts(std::string_view status) {
  ProcessFacts facts;
  unsigned found = 0;
  for (const auto line : text::lines(status)) {
    const auto colon = std::min(line.find(':'), line.size() - 1);
    const auto name = line.substr(0, colon);
    const auto value = text::trim(line.substr(colon + 1));
    if (name.size() == 6 && name.starts_with("Cap")) {
      const auto mask = text::parse<std::uint64_t>(value, 16);
      facts.capabilities |= mask.value_or(~std::uint64_t{0});
      ++found;
    }
    if (name == "NoNewPrivs") facts.no_new_privileges = value == "1", ++found;
    if (name == "Seccomp_filters") facts.seccomp_filters = text::parse<std::uint64_t>(value).value_or(0), ++found;
  }
  if (found != 7) fail("its /proc/PID/status does not tell what it may do (needs Linux 5.9)");
  return facts;
}

std::string shortfall(const ProcessFacts& facts, const security::Confinement& confinement) {
  const auto& sets = confinement.capabilities;
  const std::uint64_t allowed = sets.bounding | sets.effective | sets.inheritable | sets.permitted | sets.ambient;
  if ((facts.capabilities & ~allowed) != 0) return "it has capabilities that the bundle does not give it";
  if (confinement.no_new_privileges && !facts.no_new_privileges) return "no_new_privs is not set";
  if (facts.seccomp_filters < confinement.seccomp.size()) return "it lacks a seccomp filter";
  return {};
}

void check_restored(const plan::Plan& plan, const Container& container) {
  in_context("the checkpoint is not confined as its policy demands", [&] {
    for (const pid_t pid : processes_below(container.record.pid))
      in_context("restored process " + std::to_string(pid), [&] { check_process(plan, container, pid); });
    check_mounts(*plan.init.rootfs, container.record.pid);
  });
}

}  // namespace agentsafe::container
