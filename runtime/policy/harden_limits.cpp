// The hardenings of resources. What config.json limits more tightly stays as it is.
#include <limits>

#include "runtime/base/text.h"
#include "runtime/policy/amounts.h"
#include "runtime/policy/hardening.h"

namespace agentsafe::policy {
namespace {

constexpr std::uint64_t usual_period = 100000;  // microseconds: the kernel's default
constexpr std::int64_t least_quota = 1000;      // the kernel takes no less

std::string shown(std::optional<std::int64_t> limit, Kind kind) {
  if (!limit || *limit == 0) return "";
  return *limit < 0 ? "unlimited" : amount_text(static_cast<std::uint64_t>(*limit), kind);
}

bool is_within(std::optional<std::int64_t> limit, std::int64_t most) { return limit && *limit > 0 && *limit <= most; }

std::int64_t as_signed(std::uint64_t amount) { return static_cast<std::int64_t>(amount); }

void limit_resource(Hardening& work, const char* type, std::uint64_t most) {
  auto& limits = work.process().rlimits;
  const auto found = std::find_if(limits.begin(), limits.end(), [&](const auto& limit) { return limit.type == type; });
  if (found == limits.end()) {
    limits.push_back({type, most, most});
    return work.change(std::string("process.rlimits ") + type, "", std::to_string(most));
  }
  if (found->hard <= most && found->soft <= most) return;
  const std::string before = std::to_string(found->soft) + ":" + std::to_string(found->hard);
  found->hard = std::min(found->hard, most);
  found->soft = std::min(found->soft, most);
  work.change(std::string("process.rlimits ") + type, before,
              std::to_string(found->soft) + ":" + std::to_string(found->hard));
}

}  // namespace

void limit_memory(Hardening& work) {
  if (work.policy.memory == no_limit) return;
  const auto most = as_signed(work.policy.memory);
  auto& resources = work.resources();
  if (!resources.memory) resources.memory.emplace();
  auto& limit = resources.memory->limit;
  if (is_within(limit, most)) return;
  work.change("linux.resources.memory.limit", shown(limit, Kind::size), amount_text(work.policy.memory, Kind::size));
  limit = most;
}

// linux.resources.memory.swap counts memory and swap together.
void limit_swap(Hardening& work) {
  if (work.policy.swap == no_limit) return;
  auto& resources = work.resources();
  if (!resources.memory || resources.memory->limit.value_or(0) <= 0) return;
  if (!work.around.limits_swap) {
    work.out.notes.emplace_back("limits.swap: this host has no swap, or cannot limit it per cgroup");
    return;
  }
  auto& memory = *resources.memory;
  std::int64_t most = 0;
  if (__builtin_add_overflow(*memory.limit, as_signed(work.policy.swap), &most)) return;
  if (is_within(memory.swap, most) && *memory.swap >= *memory.limit) return;
  work.change("linux.resources.memory.swap", shown(memory.swap, Kind::size), shown(most, Kind::size));
  memory.swap = most;
}

void end_whole_container(Hardening& work) {
  if (work.policy.memory == no_limit || !work.around.cgroup_v2) return;
  auto& unified = work.resources().unified;
  if (!unified.emplace("memory.oom.group", "1").second) return;
  work.change("linux.resources.unified memory.oom.group", "", "1");
}

void limit_cpus(Hardening& work) {
  if (work.policy.cpus == no_limit || work.policy.cpus == half_of_host) return;
  auto& resources = work.resources();
  if (!resources.cpu) resources.cpu.emplace();
  auto& cpu = *resources.cpu;
  const std::uint64_t period = cpu.period.value_or(0) != 0 ? *cpu.period : usual_period;
  std::uint64_t quota = 0;
  if (__builtin_mul_overflow(period, work.policy.cpus, &quota)) quota = std::numeric_limits<std::uint64_t>::max();
  const auto most = std::max(as_signed(quota / 1000), least_quota);
  if (is_within(cpu.quota, most)) return;
  work.change("linux.resources.cpu.quota", cpu.quota.value_or(0) > 0 ? std::to_string(*cpu.quota) : "",
              std::to_string(most) + " of " + std::to_string(period) + " microseconds");
  cpu.quota = most;
  cpu.period = period;
  if (cpu.burst && *cpu.burst > static_cast<std::uint64_t>(most)) cpu.burst = static_cast<std::uint64_t>(most);
}

void limit_pids(Hardening& work) {
  if (work.policy.pids == no_limit) return;
  auto& resources = work.resources();
  if (!resources.pids) resources.pids.emplace();
  auto& limit = resources.pids->limit;
  if (is_within(limit, as_signed(work.policy.pids))) return;
  work.change("linux.resources.pids.limit", shown(limit, Kind::count), std::to_string(work.policy.pids));
  limit = as_signed(work.policy.pids);
}

void limit_open_files(Hardening& work) {
  if (work.policy.open_files == no_limit) return;
  limit_resource(work, "RLIMIT_NOFILE", std::min(work.policy.open_files, work.around.open_files));
}

void limit_core(Hardening& work) {
  if (work.policy.core != no_limit) limit_resource(work, "RLIMIT_CORE", work.policy.core);
}

void limit_shm(Hardening& work) {
  if (work.policy.shm == no_limit) return;
  for (auto& mount : work.out.spec.mounts) {
    if (text::clean_path(mount.destination) != "/dev/shm") continue;
    if (mount.type != "tmpfs") {
      work.out.notes.emplace_back("limits.shm: /dev/shm is a mount of the engine's, with a size of its own");
      continue;
    }
    const auto size = std::find_if(mount.options.begin(), mount.options.end(),
                                   [](const auto& option) { return option.starts_with("size="); });
    const bool given = size != mount.options.end();
    std::string digits = given ? size->substr(5) : "";
    if (digits.ends_with('k') || digits.ends_with('m') || digits.ends_with('g'))  // tmpfs(5) takes both cases
      digits.back() = static_cast<char>(digits.back() - 'a' + 'A');
    const auto now = parse_amount(digits, Kind::size);
    if (now && *now != 0 && *now <= work.policy.shm) continue;
    work.change("mounts /dev/shm size", digits, amount_text(work.policy.shm, Kind::size));
    const std::string option = "size=" + std::to_string(work.policy.shm);
    if (given)
      *size = option;
    else
      mount.options.push_back(option);
  }
}

}  // namespace agentsafe::policy
