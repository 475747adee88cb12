// config.md#process
#include <algorithm>
#include <set>

#include "oci/validation.h"
#include "runtime/base/text.h"

namespace agentsafe::oci {
namespace {

constexpr std::string_view section = "config.md#process";
constexpr std::string_view posix_section = "config.md#posix-process";
constexpr std::string_view linux_section = "config.md#linux-process";
constexpr std::string_view user_section = "config.md#posix-platform-user";

constexpr std::string_view rlimits[] = {"RLIMIT_AS",     "RLIMIT_CORE",   "RLIMIT_CPU",        "RLIMIT_DATA",
                                        "RLIMIT_FSIZE",  "RLIMIT_LOCKS",  "RLIMIT_MEMLOCK",    "RLIMIT_MSGQUEUE",
                                        "RLIMIT_NICE",   "RLIMIT_NOFILE", "RLIMIT_NPROC",      "RLIMIT_RSS",
                                        "RLIMIT_RTPRIO", "RLIMIT_RTTIME", "RLIMIT_SIGPENDING", "RLIMIT_STACK"};
constexpr std::string_view schedulers[] = {"SCHED_OTHER", "SCHED_FIFO", "SCHED_RR",      "SCHED_BATCH",
                                           "SCHED_ISO",   "SCHED_IDLE", "SCHED_DEADLINE"};
constexpr std::string_view scheduler_flags[] = {
    "SCHED_FLAG_RESET_ON_FORK", "SCHED_FLAG_RECLAIM",        "SCHED_FLAG_DL_OVERRUN",    "SCHED_FLAG_KEEP_POLICY",
    "SCHED_FLAG_KEEP_PARAMS",   "SCHED_FLAG_UTIL_CLAMP_MIN", "SCHED_FLAG_UTIL_CLAMP_MAX"};
constexpr std::string_view io_classes[] = {"IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE"};

void validate_env(const Process& process, Findings& findings) {
  const Where env("process.env");
  for (std::size_t i = 0; i < process.env.size(); ++i) {
    const auto equals = process.env[i].find('=');
    findings.require(equals != std::string::npos, env[i], "must be NAME=value", section);
    findings.require(equals != 0, env[i], "must have a name before the \"=\"", section);
  }
}

void validate_user(const User& user, Findings& findings) {
  constexpr std::uint32_t no_id = 0xffffffff;  // (uid_t)-1: "unchanged" in setresuid(2)
  constexpr std::string_view limit = "must be at most 4294967294";
  findings.require(user.uid != no_id, Where("process.user.uid"), limit, user_section);
  findings.require(user.gid != no_id, Where("process.user.gid"), limit, user_section);
  const Where groups("process.user.additionalGids");
  for (std::size_t i = 0; i < user.additionalGids.size(); ++i)
    findings.require(user.additionalGids[i] != no_id, groups[i], limit, user_section);
  findings.require(user.umask.value_or(0) <= 0777, Where("process.user.umask"), "must be at most 511 (0777)",
                   user_section);
}

void validate_rlimits(const Process& process, Findings& findings) {
  const Where where("process.rlimits");
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < process.rlimits.size(); ++i) {
    const Where limit = where[i];
    findings.require_known(process.rlimits[i].type, rlimits, limit / "type", posix_section);
    if (!seen.insert(process.rlimits[i].type).second)
      findings.add(limit / "type", text::escaped(process.rlimits[i].type) + " is set twice", posix_section);
    findings.require(process.rlimits[i].soft <= process.rlimits[i].hard, limit / "soft", "must not exceed hard",
                     posix_section);
  }
}

// sched_setattr(2): each policy has its own parameters.
void validate_scheduler(const Scheduler& scheduler, Findings& findings) {
  const Where where("process.scheduler");
  const auto& policy = scheduler.policy;
  findings.require_known(policy, schedulers, where / "policy", linux_section);
  const Where flags = where / "flags";
  for (std::size_t i = 0; i < scheduler.flags.size(); ++i)
    findings.require_known(scheduler.flags[i], scheduler_flags, flags[i], linux_section);
  const bool normal = policy == "SCHED_OTHER" || policy == "SCHED_BATCH";
  findings.require(scheduler.nice == 0 || normal, where / "nice", "goes only with SCHED_OTHER and SCHED_BATCH",
                   linux_section);
  findings.require(scheduler.nice >= -20 && scheduler.nice <= 19, where / "nice", "must be from -20 to 19",
                   linux_section);
  if (policy == "SCHED_FIFO" || policy == "SCHED_RR") {
    findings.require(scheduler.priority >= 1 && scheduler.priority <= 99, where / "priority", "must be from 1 to 99",
                     linux_section);
  } else {
    findings.require(scheduler.priority == 0, where / "priority", "goes only with SCHED_FIFO and SCHED_RR",
                     linux_section);
  }
  const bool has_times = scheduler.runtime != 0 || scheduler.deadline != 0 || scheduler.period != 0;
  if (policy != "SCHED_DEADLINE") {
    findings.require(!has_times, where, "runtime, deadline and period go only with SCHED_DEADLINE", linux_section);
    return;
  }
  const bool ordered = scheduler.runtime > 0 && scheduler.runtime <= scheduler.deadline &&
                       (scheduler.period == 0 || scheduler.deadline <= scheduler.period);
  findings.require(ordered, where, "SCHED_DEADLINE needs 0 < runtime <= deadline <= period", linux_section);
}

void validate_priorities(const Process& process, Findings& findings) {
  const int oom = process.oomScoreAdj.value_or(0);
  findings.require(oom >= -1000 && oom <= 1000, Where("process.oomScoreAdj"), "must be from -1000 to 1000",
                   linux_section);
  if (process.scheduler) validate_scheduler(*process.scheduler, findings);
  if (process.ioPriority) {
    const int priority = process.ioPriority->priority;
    findings.require_known(process.ioPriority->class_, io_classes, Where("process.ioPriority.class"), linux_section);
    findings.require(priority >= 0 && priority <= 7, Where("process.ioPriority.priority"), "must be from 0 to 7",
                     linux_section);
  }
  if (process.execCPUAffinity) {
    constexpr std::string_view what = "must be a list of CPUs such as 0-3,7";
    const Where affinity("process.execCPUAffinity");
    findings.require(is_number_list(process.execCPUAffinity->initial), affinity / "initial", what, linux_section);
    findings.require(is_number_list(process.execCPUAffinity->final_), affinity / "final", what, linux_section);
  }
}

}  // namespace

void validate_process(const Process& process, Findings& findings) {
  findings.require(!process.args.empty(), Where("process.args"), "must have at least one entry", section);
  findings.require_absolute(process.cwd, Where("process.cwd"), section);
  validate_env(process, findings);
  validate_user(process.user, findings);
  validate_rlimits(process, findings);
  validate_priorities(process, findings);
}

}  // namespace agentsafe::oci
