// Version 2: one directory, controllers handed down from the top, an eBPF program for devices.
#include <algorithm>
#include <csignal>

#include "runtime/base/text.h"
#include "runtime/cgroup/controllers.h"
#include "runtime/cgroup/device_filter.h"
#include "runtime/cgroup/freezer.h"
#include "runtime/cgroup/implementations.h"
#include "runtime/cgroup/knobs.h"
#include "runtime/cgroup/merge.h"
#include "runtime/sys/fd.h"

namespace agentsafe::cgroup {
namespace {

class V2Cgroup final : public Cgroup {
 public:
  explicit V2Cgroup(const CgroupPlan& plan)
      : directory_(*plan.unified), best_effort_(plan.best_effort), rootless_(plan.rootless) {}

  void create() override { make({}); }
  void adopt(pid_t holder) override { make(holder); }
  void keep() override { directory_.keep(); }
  Join join() override { return join_below({}); }
  Join join_below(const std::vector<std::string>& sub_cgroups) override;
  Join join_of(pid_t init) override {
    if (was_refused()) return {};
    return {open_place(place_of(init, directory_.place())), {}};
  }
  void add(pid_t pid) override {
    if (available_ && ours_) directory_.add(pid);
  }
  void apply_limits(const oci::Resources& resources) override;
  void prepare_devices(const oci::Resources& resources) override;
  void apply_devices(const oci::Resources& resources) override;
  void apply_memory(const oci::Resources& resources) override {
    with_reasons([&] { apply_writes(finder(), v2_memory_writes(resources)); });
  }
  oci::Resources update(const oci::Resources& change, const oci::Resources& current) override;
  void check_update(const oci::Resources& change, const oci::Resources& current) override;
  void delegate(uid_t owner) override;
  void freeze() override { freeze_v2(directory_); }
  void thaw() override { thaw_v2(directory_); }
  bool frozen() override { return is_frozen_v2(directory_); }
  bool held() override { return is_stopped_v2(directory_); }
  void kill_all(int signal) override;
  std::vector<pid_t> pids() override { return directory_.pids(); }
  bool populated() override { return event_is_set(directory_, "populated"); }
  UniqueFd open_events() override {
    return directory_.exists() ? sys::try_openat(directory_.fd(), "cgroup.events", O_RDONLY) : UniqueFd();
  }
  Stats stats() override { return v2_stats(directory_); }
  OomWatch watch_oom() override { return available_ ? OomWatch::v2(directory_) : OomWatch(); }
  std::uint64_t oom_kills() override {
    return parse_counters(directory_.try_read("memory.events").value_or(""))["oom_kill"];
  }
  void remove(std::chrono::milliseconds limit) override {
    if (ours_) directory_.remove(limit);
  }

 private:
  static UniqueFd open_place(const Place& place) {
    return sys::openat(sys::at_cwd, place.directory(), O_PATH | O_DIRECTORY);
  }
  // Best effort: what this user was not allowed to make is not there to be joined either.
  bool was_refused() { return !available_ || (best_effort_ && !directory_.exists()); }
  // holder: who is in it on purpose, or nobody; empty: it must be ours alone
  void make(std::optional<pid_t> holder);
  void check_usable(bool is_adopted);
  void unless_refused(const std::function<void()>& limit);
  Finder finder();
  KnobOptions knob_options(const oci::Resources& resources);
  // Adds to an error why controllers could not be enabled.
  template <class F>
  void with_reasons(F&& body);

  Directory directory_;
  UniqueFd device_filter_;  // prepared, not attached yet
  std::string enable_failures_;
  bool best_effort_;
  bool rootless_;
  bool ours_ = true;       // false: create() has refused it
  bool available_ = true;  // false: best effort, and the user may not make it
};

void V2Cgroup::make(std::optional<pid_t> holder) {
  ours_ = false;
  try {
    directory_.make();
  } catch (const Error& error) {
    if (!best_effort_ || !is_refusal(error)) throw;
    available_ = false;
    return;
  }
  if (holder.value_or(0) > 0) directory_.add(*holder);  // out of the way of controllers, when it is above
  enable_failures_ = enable_controllers(directory_);
  check_usable(holder.value_or(0) > 0);
  ours_ = true;
}

void V2Cgroup::check_usable(bool is_adopted) {
  const auto type = directory_.try_read("cgroup.type").value_or("domain");
  const auto word = text::trim(type);
  if (word == "domain invalid" || word == "threaded")
    fail(directory_.path() + ": cgroup.type is \"" + std::string(word) +
         "\": a cgroup above it is threaded, and whole " + "processes cannot be put there; choose another cgroupsPath");
  if (!directory_.fresh() && !is_adopted) refuse_processes(directory_);
  // frozen itself (a new one never is), or by one above it
  if ((!directory_.fresh() && is_frozen_v2(directory_)) || is_stopped_v2(directory_)) refuse_frozen();
}

Join V2Cgroup::join_below(const std::vector<std::string>& sub_cgroups) {
  if (was_refused()) return {};
  if (sub_cgroups.empty()) return {open_place(directory_.place()), {}};
  const SubCgroup sub = parse_sub_cgroup(sub_cgroups.front());
  if (sub_cgroups.size() > 1 || !sub.controllers.empty())
    fail("bad sub cgroup path: " + text::join(sub_cgroups, " ") +
         ": cgroup version 2 has one hierarchy: give one path without controllers");
  return {open_place(below(directory_.place(), sub.path)), {}};
}

template <class F>
void V2Cgroup::with_reasons(F&& body) {
  try {
    body();
  } catch (const Error& error) {
    if (enable_failures_.empty()) throw;
    throw Error(error.message() + " (" + enable_failures_ + ")", error.error_number());
  }
}

Finder V2Cgroup::finder() {
  return [this](const Write& write) -> Directory* {
    if (available_) return &directory_;
    if (write.is_default || write.may_be_absent) return nullptr;
    fail("cannot set " + write.file + " to " + write.value + ": " + no_cgroup);
  };
}

KnobOptions V2Cgroup::knob_options(const oci::Resources& resources) {
  return {.bfq = resources.blockIO && available_ && directory_.try_read("io.bfq.weight").has_value()};
}

void V2Cgroup::apply_limits(const oci::Resources& resources) {
  with_reasons([&] { apply_writes(finder(), v2_writes(resources, knob_options(resources))); });
}

void V2Cgroup::prepare_devices(const oci::Resources& resources) {
  if (!available_) return;
  with_reasons([&] { unless_refused([&] { device_filter_ = load_device_filter(device_rules(resources.devices)); }); });
}

void V2Cgroup::apply_devices(const oci::Resources& resources) {
  if (!device_filter_) prepare_devices(resources);
  if (!device_filter_) return;
  with_reasons([&] { unless_refused([&] { attach_device_filter(device_filter_, directory_.fd()); }); });
  device_filter_.reset();
}

// In a user namespace device nodes cannot be made anyway.
void V2Cgroup::unless_refused(const std::function<void()>& limit) {
  try {
    limit();
  } catch (const Error& error) {
    if (!rootless_ || !is_refusal(error)) throw;
  }
}

// memory.checkBeforeUpdate: rather an error than a container that is killed.
void refuse_low_memory(const std::optional<oci::Memory>& memory, Directory& directory) {
  if (!memory || !memory->checkBeforeUpdate.value_or(false) || memory->limit.value_or(0) <= 0) return;
  const auto usage = read_number(directory, "memory.current");
  if (usage > static_cast<std::uint64_t>(*memory->limit))
    fail("memory limit " + std::to_string(*memory->limit) + " is below what is in use (" + std::to_string(usage) +
         "), and memory.checkBeforeUpdate is set");
}

void V2Cgroup::check_update(const oci::Resources& change, const oci::Resources& current) {
  refuse_low_memory(affected(change, merge(current, change)).memory, directory_);
}

oci::Resources V2Cgroup::update(const oci::Resources& change, const oci::Resources& current) {
  check_update(change, current);
  const oci::Resources merged = merge(current, change);
  const oci::Resources part = affected(change, merged);
  auto writes = v2_writes(part, knob_options(part));
  for (auto& write : v2_memory_writes(part)) writes.push_back(std::move(write));
  update_writes(finder(), writes);
  return merged;
}

void V2Cgroup::delegate(uid_t owner) {
  if (!available_) return;
  in_context("delegate " + directory_.path(), [&] {
    const auto known = sys::try_read_file(sys::at_cwd, "/sys/kernel/cgroup/delegate");  // Linux 4.15
    const std::string files = known.value_or("cgroup.procs\ncgroup.subtree_control\ncgroup.threads\n");
    constexpr gid_t same_group = static_cast<gid_t>(-1);
    sys::fchownat(sys::at_cwd, directory_.path(), owner, same_group);
    for (const auto file : text::lines(files)) {
      try {
        sys::fchownat(directory_.fd(), std::string(file), owner, same_group);
      } catch (const Error& error) {
        if (error.error_number() != ENOENT) throw;  // of a controller that is not enabled
      }
    }
  });
}

void V2Cgroup::kill_all(int signal) {
  if (!ours_) return;
  if (signal == SIGKILL && directory_.try_write("cgroup.kill", "1")) return;  // Linux 5.14
  signal_each(signal);
}

}  // namespace

std::unique_ptr<Cgroup> make_v2(const CgroupPlan& plan) { return std::make_unique<V2Cgroup>(plan); }

}  // namespace agentsafe::cgroup
