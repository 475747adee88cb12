#include "runtime/security/confinement.h"

#include <linux/mempolicy.h>
#include <sys/personality.h>
#include <unistd.h>

#include <algorithm>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/security/capabilities.h"
#include "runtime/security/rlimits.h"
#include "runtime/security/seccomp.h"
#include "runtime/security/syscall_numbers.h"

namespace agentsafe::security {
namespace {

struct Word {
  std::string_view word;
  std::uint64_t value;
};

template <std::size_t N>
std::uint64_t value_of(const Word (&table)[N], const std::string& word, const char* property) {
  for (const auto& row : table)
    if (row.word == word) return row.value;
  fail(std::string(property) + ": \"" + text::escaped(word) + "\" is unknown");
}

constexpr Word scheduler_policies[] = {{"SCHED_OTHER", 0}, {"SCHED_FIFO", 1}, {"SCHED_RR", 2},      {"SCHED_BATCH", 3},
                                       {"SCHED_ISO", 4},   {"SCHED_IDLE", 5}, {"SCHED_DEADLINE", 6}};
constexpr Word scheduler_flags[] = {{"SCHED_FLAG_RESET_ON_FORK", 0x01}, {"SCHED_FLAG_RECLAIM", 0x02},
                                    {"SCHED_FLAG_DL_OVERRUN", 0x04},    {"SCHED_FLAG_KEEP_POLICY", 0x08},
                                    {"SCHED_FLAG_KEEP_PARAMS", 0x10},   {"SCHED_FLAG_UTIL_CLAMP_MIN", 0x20},
                                    {"SCHED_FLAG_UTIL_CLAMP_MAX", 0x40}};
constexpr Word io_classes[] = {{"IOPRIO_CLASS_RT", 1}, {"IOPRIO_CLASS_BE", 2}, {"IOPRIO_CLASS_IDLE", 3}};
constexpr Word memory_modes[] = {{"MPOL_DEFAULT", MPOL_DEFAULT},       {"MPOL_PREFERRED", MPOL_PREFERRED},
                                 {"MPOL_BIND", MPOL_BIND},             {"MPOL_INTERLEAVE", MPOL_INTERLEAVE},
                                 {"MPOL_LOCAL", MPOL_LOCAL},           {"MPOL_PREFERRED_MANY", 5},
                                 {"MPOL_WEIGHTED_INTERLEAVE", 6}};
constexpr Word memory_flags[] = {{"MPOL_F_NUMA_BALANCING", 1U << 13},
                                 {"MPOL_F_RELATIVE_NODES", 1U << 14},
                                 {"MPOL_F_STATIC_NODES", 1U << 15}};
constexpr Word personality_domains[] = {{"LINUX", PER_LINUX}, {"LINUX32", PER_LINUX32}};

SchedulerSetting plan_scheduler(const oci::Scheduler& scheduler) {
  SchedulerSetting setting;
  setting.policy = static_cast<std::uint32_t>(value_of(scheduler_policies, scheduler.policy, "process.scheduler.policy"));
  for (const auto& flag : scheduler.flags) setting.flags |= value_of(scheduler_flags, flag, "process.scheduler.flags");
  setting.nice = scheduler.nice;
  setting.priority = static_cast<std::uint32_t>(scheduler.priority);
  setting.runtime = scheduler.runtime;
  setting.deadline = scheduler.deadline;
  setting.period = scheduler.period;
  return setting;
}

std::vector<std::uint64_t> node_mask(const std::string& list) {
  std::vector<std::uint64_t> mask;
  for (const auto range : text::split(list, ',')) {
    const auto dash = range.find('-');
    const auto first = text::parse<unsigned>(text::trim(range.substr(0, dash)));
    const auto last = dash == std::string_view::npos ? first : text::parse<unsigned>(text::trim(range.substr(dash + 1)));
    constexpr unsigned node_limit = 1024;
    if (!first || !last || *first > *last || *last >= node_limit)
      fail("linux.memoryPolicy.nodes: \"" + text::escaped(list) + "\" is not a list of nodes such as 0-1,3");
    mask.resize(std::max<std::size_t>(mask.size(), *last / 64 + 1));
    for (unsigned node = *first; node <= *last; ++node) mask[node / 64] |= std::uint64_t{1} << node % 64;
  }
  return mask;
}

MemoryPolicySetting plan_memory_policy(const oci::MemoryPolicy& policy) {
  std::uint64_t mode = value_of(memory_modes, policy.mode, "linux.memoryPolicy.mode");
  for (const auto& flag : policy.flags) mode |= value_of(memory_flags, flag, "linux.memoryPolicy.flags");
  return {static_cast<std::int32_t>(mode), node_mask(policy.nodes)};
}

CapabilityMasks plan_capabilities(const oci::Process& process, std::vector<std::string>& warnings) {
  if (!process.capabilities) return {};
  const auto& sets = *process.capabilities;
  return {capability_mask(sets.bounding, warnings), capability_mask(sets.effective, warnings),
          capability_mask(sets.inheritable, warnings), capability_mask(sets.permitted, warnings),
          capability_mask(sets.ambient, warnings)};
}

std::vector<Rlimit> plan_rlimits(const oci::Process& process) {
  std::vector<Rlimit> limits;
  for (const auto& limit : process.rlimits) {
    const auto resource = rlimit_of(limit.type);
    if (!resource) fail("process.rlimits: \"" + text::escaped(limit.type) + "\" is unknown");
    limits.push_back({*resource, limit.soft, limit.hard});
  }
  return limits;
}

void refuse_unknown(const oci::Seccomp& seccomp) {
  for (const auto& rule : seccomp.syscalls)
    for (const auto& name : rule.names)
      if (!is_known_syscall(name))
        fail("linux.seccomp: the system call \"" + text::escaped(name) +
             "\" is unknown, and the annotation run.oci.seccomp_fail_unknown_syscall makes that an error");
}

// Ours first: the bundle's may permit no seccomp(2) after it. But one with an agent goes before ours, which refuses
// further listeners.
std::vector<SeccompProgram> plan_seccomp(const oci::Linux& linux, const ConfinementOptions& options,
                                         std::vector<std::string>& warnings) {
  std::vector<SeccompProgram> programs;
  if (options.stacked_seccomp) programs.push_back(*options.stacked_seccomp);
  if (options.raw_filter) programs.push_back({*options.raw_filter, 0, false});
  if (!linux.seccomp || options.raw_filter) return programs;
  if (options.fail_unknown_syscall) refuse_unknown(*linux.seccomp);
  SeccompProgram of_bundle = compile_cached(*linux.seccomp, options.seccomp_cache, warnings);
  programs.insert(of_bundle.wants_listener ? programs.begin() : programs.end(), std::move(of_bundle));
  return programs;
}

}  // namespace

bool wants_listener(const Confinement& confinement) {
  return std::any_of(confinement.seccomp.begin(), confinement.seccomp.end(),
                     [](const SeccompProgram& program) { return program.wants_listener; });
}

Confinement plan_confinement(const oci::Process& process, const oci::Linux& linux, const ConfinementOptions& options,
                             std::vector<std::string>& warnings) {
  Confinement plan;
  plan.uid = process.user.uid;
  plan.gid = process.user.gid;
  plan.additional_gids = process.user.additionalGids;
  if (options.keep_groups) plan.additional_gids.clear();
  plan.sets_groups = options.may_set_groups && !options.keep_groups;
  if (!options.may_set_groups && !plan.additional_gids.empty())
    fail("process.user.additionalGids cannot be set: setgroups(2) is denied to this user");
  plan.umask = process.user.umask.value_or(0022);
  plan.capabilities = plan_capabilities(process, warnings);
  plan.no_new_privileges = process.noNewPrivileges;
  plan.apparmor_profile = process.apparmorProfile;
  plan.selinux_label = process.selinuxLabel;
  if (options.new_keyring) plan.keyring = "_ses." + options.id;
  if (process.scheduler) plan.scheduler = plan_scheduler(*process.scheduler);
  if (process.ioPriority) {
    const auto io_class = value_of(io_classes, process.ioPriority->class_, "process.ioPriority.class");
    plan.io_priority = static_cast<std::int32_t>(io_class << 13) + process.ioPriority->priority;
  }
  if (linux.personality) plan.personality = value_of(personality_domains, linux.personality->domain, "linux.personality.domain");
  if (linux.personality && !linux.personality->flags.empty())
    warnings.emplace_back("linux.personality.flags are ignored: the specification defines none");
  if (linux.memoryPolicy) plan.memory_policy = plan_memory_policy(*linux.memoryPolicy);
  plan.rlimits = plan_rlimits(process);
  plan.seccomp = plan_seccomp(linux, options, warnings);
  return plan;
}

Confinement narrow(Confinement request, const Confinement& container) {
  request.no_new_privileges = request.no_new_privileges || container.no_new_privileges;
  const std::uint64_t limit = container.capabilities.bounding;
  auto& sets = request.capabilities;
  for (auto* set : {&sets.bounding, &sets.effective, &sets.inheritable, &sets.permitted, &sets.ambient}) *set &= limit;
  for (const auto& mine : container.rlimits) {
    const auto same = std::find_if(request.rlimits.begin(), request.rlimits.end(),
                                   [&](const Rlimit& limit_of_request) { return limit_of_request.resource == mine.resource; });
    if (same == request.rlimits.end()) {
      request.rlimits.push_back(mine);
    } else {
      same->hard = std::min(same->hard, mine.hard);
      same->soft = std::min({same->soft, mine.soft, same->hard});
    }
  }
  return request;
}

}  // namespace agentsafe::security
