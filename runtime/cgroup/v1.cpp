// Version 1: a directory in each mounted hierarchy. On hybrid hosts also one in the unified hierarchy, which limits
// nothing there but kills and reports better (cgroup.kill, cgroup.events). An empty plan is a container without cgroup.
#include <algorithm>
#include <csignal>

#include "runtime/base/text.h"
#include "runtime/cgroup/device_filter.h"
#include "runtime/cgroup/freezer.h"
#include "runtime/cgroup/implementations.h"
#include "runtime/cgroup/knobs.h"
#include "runtime/cgroup/merge.h"
#include "runtime/sys/fd.h"

namespace agentsafe::cgroup {
namespace {

class V1Cgroup final : public Cgroup {
 public:
  explicit V1Cgroup(const CgroupPlan& plan);

  void create() override { make(0); }
  void adopt(pid_t holder) override { make(holder); }
  void keep() override;
  Join join() override;
  Join join_below(const std::vector<std::string>& sub_cgroups) override;
  Join join_of(pid_t init) override;
  void add(pid_t pid) override;
  void apply_limits(const oci::Resources& resources) override;
  void apply_devices(const oci::Resources& resources) override;
  void apply_memory(const oci::Resources& resources) override { apply_writes(finder(), v1_memory_writes(resources)); }
  oci::Resources update(const oci::Resources& change, const oci::Resources& current) override;
  void check_update(const oci::Resources&, const oci::Resources&) override {}  // the kernel refuses: EBUSY
  void delegate(uid_t) override {}
  void freeze() override;
  void thaw() override;
  bool frozen() override;
  bool held() override;
  void kill_all(int signal) override;
  std::vector<pid_t> pids() override;
  bool populated() override { return !pids().empty(); }
  UniqueFd open_events() override;
  Stats stats() override;
  OomWatch watch_oom() override;
  std::uint64_t oom_kills() override;
  void remove(std::chrono::milliseconds limit) override;

 private:
  Directory* find(std::string_view controller);
  Finder finder();
  KnobOptions knob_options(const oci::Resources& resources);
  void make_directories();
  void forget_what_was_refused();
  void make(pid_t holder);
  void check_usable(bool is_adopted);
  void limit_devices(const oci::Resources& resources);

  std::vector<Directory> directories_;
  std::optional<Directory> unified_;
  bool best_effort_;
  bool rootless_;
  bool ours_ = true;  // false: create() has refused it
};

V1Cgroup::V1Cgroup(const CgroupPlan& plan) : best_effort_(plan.best_effort), rootless_(plan.rootless) {
  directories_.reserve(plan.v1.size());
  for (const auto& place : plan.v1) directories_.emplace_back(place);
  if (plan.unified) unified_.emplace(*plan.unified);
}

// --- Making, and who may be in it ------------------------------------------------------------------------------

// Tasks cannot enter a cpuset without CPUs and memory nodes: an empty one gets what the one above it has.
void inherit_cpuset(const std::string& mount_point, const std::string& below) {
  if (below.empty()) return;
  const std::string above = below.substr(0, below.rfind('/'));
  for (const char* file : {"/cpuset.cpus", "/cpuset.mems"}) {
    const auto value = [file, &mount_point](const std::string& cgroup) {
      return std::string(text::trim(sys::read_record(sys::at_cwd, mount_point + cgroup + file)));
    };
    if (!value(below).empty()) continue;
    std::string inherited = value(above);
    if (inherited.empty()) {
      inherit_cpuset(mount_point, above);
      inherited = value(above);
    }
    sys::write_file(sys::at_cwd, mount_point + below + file, inherited);
  }
}

void make_directory(Directory& directory) {
  if (!directory.has_controller("cpuset")) return directory.make();
  const auto& place = directory.place();
  directory.make([&](const std::string& below) { inherit_cpuset(place.mount_point, below); });
  if (!directory.fresh()) inherit_cpuset(place.mount_point, place.path);
}

// false: this user may not.
bool try_make(Directory& directory) {
  try {
    make_directory(directory);
    return true;
  } catch (const Error& error) {
    if (!is_refusal(error)) throw;
    return false;
  }
}

void V1Cgroup::make_directories() {
  std::vector<Directory> usable;
  usable.reserve(directories_.size());
  for (auto& directory : directories_) {
    if (!best_effort_)
      make_directory(directory);
    else if (!try_make(directory))
      continue;
    usable.push_back(std::move(directory));
  }
  directories_ = std::move(usable);
}

void V1Cgroup::make(pid_t holder) {
  ours_ = false;
  make_directories();
  if (unified_ && !try_make(*unified_)) unified_.reset();  // a help only, nothing is enforced there
  check_usable(holder > 0);
  ours_ = true;
}

void V1Cgroup::check_usable(bool is_adopted) {
  for (auto& directory : directories_)
    if (!directory.fresh() && !is_adopted) refuse_processes(directory);
  if (held()) refuse_frozen();
}

void V1Cgroup::keep() {
  for (auto& directory : directories_) directory.keep();
  if (unified_) unified_->keep();
}

// --- Joining ---------------------------------------------------------------------------------------------------

std::string tasks_file(const Place& place) {
  if (!sys::try_fstatat(sys::at_cwd, place.directory()))
    throw Error("join the cgroup " + place.directory() + ": " + errno_text(ENOENT), ENOENT);
  return place.directory() + "/tasks";
}

UniqueFd open_unified(const Place& place) {
  return sys::try_openat(sys::at_cwd, place.directory(), O_PATH | O_DIRECTORY);
}

// Best effort: what this user was not allowed to make is not there to be joined either.
void V1Cgroup::forget_what_was_refused() {
  if (!best_effort_) return;
  std::vector<Directory> made;
  made.reserve(directories_.size());
  for (auto& directory : directories_)
    if (directory.exists()) made.push_back(std::move(directory));
  directories_ = std::move(made);
  if (unified_ && !unified_->exists()) unified_.reset();
}

bool concerns(const SubCgroup& sub, const Directory& directory) {
  return sub.controllers.empty() || std::any_of(sub.controllers.begin(), sub.controllers.end(),
                                                [&](const auto& name) { return directory.has_controller(name); });
}

Join V1Cgroup::join() {
  Join join;
  for (const auto& directory : directories_) join.files.push_back(directory.path() + "/tasks");
  if (unified_) join.directory = open_unified(unified_->place());
  return join;
}

Join V1Cgroup::join_below(const std::vector<std::string>& sub_cgroups) {
  forget_what_was_refused();
  std::vector<SubCgroup> subs;
  for (const auto& argument : sub_cgroups) subs.push_back(parse_sub_cgroup(argument));
  for (const auto& sub : subs)
    for (const auto& name : sub.controllers)
      if (find(name) == nullptr) fail("bad sub cgroup path: the container has no cgroup of controller " + name);
  Join join;
  for (auto& directory : directories_) {
    Place place = directory.place();
    for (const auto& sub : subs)
      if (concerns(sub, directory)) place = below(directory.place(), sub.path);
    join.files.push_back(tasks_file(place));
  }
  if (unified_) join.directory = open_unified(unified_->place());
  return join;
}

Join V1Cgroup::join_of(pid_t init) {
  forget_what_was_refused();
  Join join;
  for (auto& directory : directories_) join.files.push_back(tasks_file(place_of(init, directory.place())));
  if (unified_) join.directory = open_unified(place_of(init, unified_->place()));
  return join;
}

void V1Cgroup::add(pid_t pid) {
  if (!ours_) return;
  for (auto& directory : directories_) directory.add(pid);
  if (unified_) unified_->add(pid);
}

// --- Limits ----------------------------------------------------------------------------------------------------

Directory* V1Cgroup::find(std::string_view controller) {
  for (auto& directory : directories_)
    if (directory.has_controller(controller)) return &directory;
  return nullptr;
}

Finder V1Cgroup::finder() {
  return [this](const Write& write) -> Directory* {
    Directory* directory = find(write.controller);
    if (directory != nullptr || write.is_default || write.may_be_absent) return directory;
    fail("cannot set " + write.file + " to " + write.value + ": " +
         (directories_.empty() ? no_cgroup : "the " + write.controller + " controller is not mounted on this host"));
  };
}

KnobOptions V1Cgroup::knob_options(const oci::Resources& resources) {
  Directory* blkio = resources.blockIO ? find("blkio") : nullptr;
  return {.bfq = blkio != nullptr && blkio->try_read("blkio.bfq.weight").has_value()};
}

void V1Cgroup::apply_limits(const oci::Resources& resources) {
  apply_writes(finder(), v1_writes(resources, knob_options(resources)));
}

void V1Cgroup::apply_devices(const oci::Resources& resources) {
  if (directories_.empty()) return;  // a container without cgroups was asked for
  try {
    limit_devices(resources);
  } catch (const Error& error) {
    if (!rootless_ || !is_refusal(error)) throw;
  }
}

void V1Cgroup::limit_devices(const oci::Resources& resources) {
  const auto rules = device_rules(resources.devices);
  if (find("devices") != nullptr)
    apply_writes(finder(), v1_device_writes(rules));
  else if (unified_)
    attach_device_filter(load_device_filter(rules), unified_->fd());
  else if (!rootless_)
    fail("limit devices: neither the devices controller nor the unified hierarchy is mounted on this host");
}

oci::Resources V1Cgroup::update(const oci::Resources& change, const oci::Resources& current) {
  oci::Resources merged = merge(current, change);
  const oci::Resources part = affected(change, merged);
  auto writes = v1_writes(part, knob_options(part));
  for (auto& write : v1_memory_writes(part)) writes.push_back(std::move(write));
  update_writes(finder(), writes);
  return merged;
}

// --- Freezing, killing, watching -------------------------------------------------------------------------------

void V1Cgroup::freeze() {
  if (Directory* freezer = find("freezer"); freezer != nullptr) return freeze_v1(*freezer);
  if (!unified_) fail("freeze: neither the freezer controller nor the unified hierarchy is mounted on this host");
  freeze_v2(*unified_);
}

void V1Cgroup::thaw() {
  if (Directory* freezer = find("freezer"); freezer != nullptr) return thaw_v1(*freezer);
  if (unified_) thaw_v2(*unified_);
}

bool V1Cgroup::frozen() {
  if (Directory* freezer = find("freezer"); freezer != nullptr) return is_frozen_v1(*freezer);
  return unified_ && is_frozen_v2(*unified_);
}

bool V1Cgroup::held() {
  if (Directory* freezer = find("freezer"); freezer != nullptr && is_stopped_v1(*freezer)) return true;
  return unified_ && is_stopped_v2(*unified_);
}

void V1Cgroup::kill_all(int signal) {
  if (!ours_) return;
  if (signal != SIGKILL || !unified_) return signal_each(signal);
  const auto members = pids();
  const auto reachable = unified_->pids();
  const bool killed = unified_->try_write("cgroup.kill", "1");  // Linux 5.14
  thaw();                                                       // the version 1 freezer holds back even SIGKILL
  // Somebody may have been moved into the version 1 cgroups alone.
  if (!killed || !std::includes(reachable.begin(), reachable.end(), members.begin(), members.end()))
    signal_each(signal);
}

// Of all hierarchies: somebody may have been moved below the container's cgroup in one of them alone.
std::vector<pid_t> V1Cgroup::pids() {
  std::vector<pid_t> all;
  for (auto& directory : directories_) {
    const auto members = directory.pids();
    all.insert(all.end(), members.begin(), members.end());
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

UniqueFd V1Cgroup::open_events() {
  return unified_ && unified_->exists() ? sys::try_openat(unified_->fd(), "cgroup.events", O_RDONLY) : UniqueFd();
}

Stats V1Cgroup::stats() {
  Stats stats;
  for (auto& directory : directories_) add_v1_stats(directory, stats);
  return stats;
}

OomWatch V1Cgroup::watch_oom() {
  Directory* memory = find("memory");
  return memory != nullptr && memory->exists() ? OomWatch::v1(*memory) : OomWatch();
}

std::uint64_t V1Cgroup::oom_kills() {
  Directory* memory = find("memory");
  if (memory == nullptr) return 0;
  return parse_counters(memory->try_read("memory.oom_control").value_or(""))["oom_kill"];  // Linux 4.13
}

void V1Cgroup::remove(std::chrono::milliseconds limit) {
  if (!ours_) return;
  using std::chrono::steady_clock;
  const auto deadline = steady_clock::now() + limit;
  std::optional<Error> first_error;
  const auto remove_one = [&](Directory& directory) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_clock::now());
    try {
      directory.remove(std::max(left, std::chrono::milliseconds(0)));
    } catch (const Error& error) {  // the others go all the same
      if (!first_error) first_error = error;
    }
  };
  for (auto& directory : directories_) remove_one(directory);
  if (unified_) remove_one(*unified_);
  if (first_error) throw Error(*first_error);
}

}  // namespace

std::unique_ptr<Cgroup> make_v1(const CgroupPlan& plan) { return std::make_unique<V1Cgroup>(plan); }

}  // namespace agentsafe::cgroup
