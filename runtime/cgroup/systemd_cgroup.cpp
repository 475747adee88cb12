// A cgroup that belongs to a unit of systemd: systemd makes it, is told the limits that it knows, and removes it; the
// rest is done on the cgroup's files, by the implementation for the host's version of cgroups inside.
//
// systemd starts no scope without a process in it. A child of ours that only waits is that process, until the init is
// born into the cgroup. Limits are told when the other driver would write them: of tasks and memory after that.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "runtime/base/scope.h"
#include "runtime/cgroup/device_rules.h"
#include "runtime/cgroup/implementations.h"
#include "runtime/cgroup/merge.h"
#include "runtime/cgroup/systemd_properties.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"
#include "runtime/systemd/manager.h"

namespace agentsafe::cgroup {
namespace {

using systemd::Property;

// A process that waits for its end; it ends with its owner, also when that is killed.
class Holder {
 public:
  Holder() {
    sys::Pipe pipe = sys::pipe();
    child_ = sys::clone3({}, [&]() -> int {
      pipe.write_end.reset();
      ::close(STDOUT_FILENO);  // our caller may wait for the end of what it reads from us
      ::close(STDERR_FILENO);
      char byte = 0;
      return ::read(pipe.read_end.get(), &byte, 1) < 0 ? 1 : 0;
    });
    life_ = std::move(pipe.write_end);
  }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  ~Holder() {
    try {
      sys::pidfd_send_signal(child_.pidfd, SIGKILL);
      sys::wait(child_.pidfd);
    } catch (const Error&) {  // ECHILD: somebody else has reaped it
    }
  }
  [[nodiscard]] pid_t pid() const { return child_.pid; }

 private:
  sys::Child child_;
  UniqueFd life_;
};

// cgroups(7), delegation containment: who moves a process must be allowed to write in the nearest cgroup that holds
// both its old place and its new one.
bool may_move_to(const Place& place) {
  const std::string ours = place_of(::getpid(), place).path;
  std::size_t shared = 0;  // up to a slash of both
  for (std::size_t i = 0; i <= std::min(ours.size(), place.path.size()); ++i) {
    const auto ends = [i](const std::string& path) { return i == path.size() || path[i] == '/'; };
    if (ends(ours) && ends(place.path)) shared = i;
    if (i < std::min(ours.size(), place.path.size()) && ours[i] != place.path[i]) break;
  }
  const std::string file = place.mount_point + place.path.substr(0, shared) + "/cgroup.procs";
  return ::faccessat(AT_FDCWD, file.c_str(), W_OK, AT_EACCESS) == 0;
}

class SystemdCgroup final : public Cgroup {
 public:
  SystemdCgroup(const CgroupPlan& plan, std::string session_bus, std::unique_ptr<Cgroup> inner)
      : unit_(*plan.systemd),
        session_bus_(std::move(session_bus)),
        v2_(plan.v1.empty()),
        rootless_(plan.rootless),
        place_(plan.unified),
        inner_(std::move(inner)) {}

  void create() override;
  void adopt(pid_t) override {}
  void keep() override;
  Join join() override { return is_joined_by_add() ? Join{} : inner_->join(); }
  Join join_below(const std::vector<std::string>& sub_cgroups) override { return inner_->join_below(sub_cgroups); }
  Join join_of(pid_t init) override { return inner_->join_of(init); }
  void add(pid_t pid) override;
  [[nodiscard]] bool is_joined_by_add() const override { return rootless_ && !may_move_; }
  void apply_limits(const oci::Resources& resources) override;
  void prepare_devices(const oci::Resources& resources) override { inner_->prepare_devices(resources); }
  void apply_devices(const oci::Resources& resources) override;
  void apply_memory(const oci::Resources& resources) override;
  oci::Resources update(const oci::Resources& change, const oci::Resources& current) override;
  void check_update(const oci::Resources& change, const oci::Resources& current) override {
    inner_->check_update(change, current);
  }
  void delegate(uid_t owner) override { inner_->delegate(owner); }
  // By the cgroup's files: systemd's FreezeUnit would do the same, refuse kill and stop while it lasts, and need a
  // connection.
  void freeze() override { inner_->freeze(); }
  void thaw() override { inner_->thaw(); }
  bool frozen() override { return inner_->frozen(); }
  bool held() override { return inner_->held(); }
  void kill_all(int signal) override {
    if (ours_) inner_->kill_all(signal);
  }
  std::vector<pid_t> pids() override { return inner_->pids(); }
  bool populated() override { return inner_->populated(); }
  UniqueFd open_events() override { return inner_->open_events(); }
  Stats stats() override { return inner_->stats(); }
  OomWatch watch_oom() override { return inner_->watch_oom(); }
  std::uint64_t oom_kills() override { return inner_->oom_kills(); }
  void remove(std::chrono::milliseconds limit) override;

 private:
  systemd::Manager& manager() {
    if (!manager_) manager_.emplace(systemd::Where{unit_.user, session_bus_});
    return *manager_;
  }
  [[nodiscard]] bool is_slice() const { return unit_.unit.ends_with(".slice"); }
  SystemdFacts facts(const oci::Resources& resources) {
    return {v2_, depends_on_version(resources) ? manager().version() : 0};
  }
  std::vector<Property> first_properties();
  void check_place();
  void set(const std::vector<Property>& properties) {
    if (properties.empty()) return;
    manager().set_properties(unit_.unit, properties);
    manager().settle();
  }

  SystemdUnit unit_;
  std::string session_bus_;
  bool v2_;
  bool rootless_;
  bool may_move_ = false;  // processes from our own cgroup into it
  bool ours_ = true;       // false: create() has not made it
  std::optional<Place> place_;
  std::unique_ptr<Cgroup> inner_;
  std::optional<systemd::Manager> manager_;
  std::optional<Holder> holder_;
};

std::vector<Property> SystemdCgroup::first_properties() {
  std::vector<Property> properties = {{"Description", systemd::text("agentsafe container " + unit_.unit)},
                                      {"DefaultDependencies", systemd::boolean(false)},
                                      {"CPUAccounting", systemd::boolean(true)},
                                      {"MemoryAccounting", systemd::boolean(true)},
                                      {"TasksAccounting", systemd::boolean(true)},
                                      {v2_ ? "IOAccounting" : "BlockIOAccounting", systemd::boolean(true)}};
  if (is_slice()) {  // its place follows from its name
    properties.emplace_back("Wants", systemd::array("s", {systemd::text(unit_.slice)}));
  } else {
    properties.emplace_back("Slice", systemd::text(unit_.slice));
    properties.emplace_back("Delegate", systemd::boolean(true));
    properties.emplace_back("PIDs",
                            systemd::array("u", {systemd::number('u', static_cast<std::uint64_t>(holder_->pid()))}));
  }
  properties.insert(properties.end(), unit_.properties.begin(), unit_.properties.end());
  return properties;
}

// Should systemd ever put it elsewhere than planned, limits would be written to nobody's files.
void SystemdCgroup::check_place() {
  const auto place = manager().cgroup_of(unit_.unit);
  if (place != unit_.cgroup)
    fail("systemd has made the cgroup of " + unit_.unit + " at \"" + place + "\", where " + unit_.cgroup +
         " was expected; use --cgroup-manager=cgroupfs");
}

void SystemdCgroup::create() {
  ours_ = false;
  if (!is_slice()) holder_.emplace();
  manager().start_unit(unit_.unit, first_properties());
  ours_ = true;
  check_place();
  may_move_ = place_ && may_move_to(*place_);
  inner_->adopt(holder_ ? holder_->pid() : 0);
}

void SystemdCgroup::keep() {
  holder_.reset();
  inner_->keep();
  manager_.reset();
}

// Where this user may not move processes itself, its systemd can.
void SystemdCgroup::add(pid_t pid) {
  if (is_joined_by_add())
    manager().attach(unit_.unit, unit_.subgroup, {pid});
  else
    inner_->add(pid);
}

void SystemdCgroup::apply_limits(const oci::Resources& resources) {
  set(systemd_properties(resources, PropertyGroup::limits, facts(resources)));
  inner_->apply_limits(resources);
}

// Two filters must let a device pass: systemd's, and ours, which knows every rule.
void SystemdCgroup::apply_devices(const oci::Resources& resources) {
  holder_.reset();
  auto properties = systemd_properties(resources, PropertyGroup::tasks, facts(resources));
  if (!rootless_) {
    const auto known = sys::read_file(sys::at_cwd, "/proc/devices");
    for (auto& property : device_properties(device_rules(resources.devices), v2_, known))
      properties.push_back(std::move(property));
  }
  manager().set_properties(unit_.unit, properties);
  inner_->apply_devices(resources);
}

void SystemdCgroup::apply_memory(const oci::Resources& resources) {
  manager().set_properties(unit_.unit, systemd_properties(resources, PropertyGroup::memory, facts(resources)));
  inner_->apply_memory(resources);
}

// So that affected() finds what it looks at.
oci::Resources with_parts_of(oci::Resources resources, const oci::Resources& change) {
  if (change.memory && !resources.memory) resources.memory.emplace();
  if (change.cpu && !resources.cpu) resources.cpu.emplace();
  return resources;
}

oci::Resources SystemdCgroup::update(const oci::Resources& change, const oci::Resources& current) {
  inner_->check_update(change, current);
  const auto merged = merge(current, change);
  const auto known = facts(merged);
  const auto wanted = systemd_properties(affected(change, merged), known);
  const auto before = restoring_properties(wanted, systemd_properties(current, known));
  OnExit undo([&] {
    set(before);
    inner_->update(affected(change, with_parts_of(current, change)), current);
  });
  set(wanted);
  auto kept = inner_->update(change, current);
  undo.keep();
  return kept;
}

void SystemdCgroup::remove(std::chrono::milliseconds limit) {
  holder_.reset();
  if (!ours_) return;
  manager().stop_unit(unit_.unit);
  inner_->remove(limit);
}

}  // namespace

std::unique_ptr<Cgroup> make_systemd(const CgroupPlan& plan, const std::string& session_bus) {
  return std::make_unique<SystemdCgroup>(plan, session_bus,
                                         plan.v1.empty() && plan.unified ? make_v2(plan) : make_v1(plan));
}

}  // namespace agentsafe::cgroup
