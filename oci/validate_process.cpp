#include <set>

#include "oci/validation.h"
#include "runtime/base/text.h"

namespace agentsafe::oci {
namespace {

constexpr std::string_view section = "config.md#process";
constexpr std::string_view posix_section = "config.md#posix-process";
constexpr std::string_view linux_section = "config.md#linux-process";

constexpr std::string_view rlimits[] = {
    "RLIMIT_AS",      "RLIMIT_CORE",  "RLIMIT_CPU",    "RLIMIT_DATA",   "RLIMIT_FSIZE",  "RLIMIT_LOCKS",
    "RLIMIT_MEMLOCK", "RLIMIT_MSGQUEUE", "RLIMIT_NICE", "RLIMIT_NOFILE", "RLIMIT_NPROC", "RLIMIT_RSS",
    "RLIMIT_RTPRIO",  "RLIMIT_RTTIME", "RLIMIT_SIGPENDING", "RLIMIT_STACK"};
constexpr std::string_view schedulers[] = {"SCHED_OTHER", "SCHED_FIFO", "SCHED_RR",      "SCHED_BATCH",
                                           "SCHED_ISO",   "SCHED_IDLE", "SCHED_DEADLINE"};
constexpr std::string_view scheduler_flags[] = {
    "SCHED_FLAG_RESET_ON_FORK", "SCHED_FLAG_RECLAIM",      "SCHED_FLAG_DL_OVERRUN",     "SCHED_FLAG_KEEP_POLICY",
    "SCHED_FLAG_KEEP_PARAMS",   "SCHED_FLAG_UTIL_CLAMP_MIN", "SCHED_FLAG_UTIL_CLAMP_MAX"};
constexpr std::string_view io_classes[] = {"IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE"};
constexpr std::uint32_t no_id = 0xffffffff;  // (uid_t)-1: "unchanged" in setresuid(2)

void validate_env(const Process& process, Findings& findings) {
  for (std::size_t i = 0; i < process.env.size(); ++i) {
    const auto equals = process.env[i].find('=');
    findings.require(equals != std::string::npos, at("process.env", i), "must be NAME=value", section);
    findings.require(equals != 0, at("process.env", i), "must have a name", section);
  }
}

void validate_rlimits(const Process& process, Findings& findings) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < process.rlimits.size(); ++i) {
    const auto& limit = process.rlimits[i];
    const std::string path = at("process.rlimits", i);
    findings.require(is_one_of(limit.type, rlimits), path + ".type", "\"" + text::escaped(limit.type) + "\" is unknown",
                     posix_section);
    findings.require(seen.insert(limit.type).second, path + ".type", limit.type + " is set twice", posix_section);
    findings.require(limit.soft <= limit.hard, path + ".soft", "must not exceed hard", posix_section);
  }
}

void validate_scheduler(const Scheduler& scheduler, Findings& findings) {
  const std::string path = "process.scheduler";
  const auto& policy = scheduler.policy;
  findings.require(is_one_of(policy, schedulers), path + ".policy", "\"" + text::escaped(policy) + "\" is unknown", linux_section);
  for (const auto& flag : scheduler.flags)
    findings.require(is_one_of(flag, scheduler_flags), path + ".flags", "\"" + text::escaped(flag) + "\" is unknown", linux_section);
  const bool normal = policy == "SCHED_OTHER" || policy == "SCHED_BATCH";
  const bool realtime = policy == "SCHED_FIFO" || policy == "SCHED_RR";
  findings.require(scheduler.nice == 0 || normal, path + ".nice", "goes only with SCHED_OTHER and SCHED_BATCH", linux_section);
  findings.require(scheduler.nice >= -20 && scheduler.nice <= 19, path + ".nice", "must be from -20 to 19", linux_section);
  findings.require(scheduler.priority == 0 || realtime, path + ".priority", "goes only with SCHED_FIFO and SCHED_RR", linux_section);
  const bool has_deadline = scheduler.runtime != 0 || scheduler.deadline != 0 || scheduler.period != 0;
  findings.require(!has_deadline || policy == "SCHED_DEADLINE", path, "runtime, deadline and period go only with SCHED_DEADLINE",
                   linux_section);
}

}  // namespace

void validate_process(const Process& process, Findings& findings) {
  findings.require(!process.args.empty(), "process.args", "must have at least one entry", section);
  if (!process.args.empty()) findings.require(!process.args[0].empty(), "process.args[0]", "must not be empty", section);
  findings.require(process.cwd.starts_with('/'), "process.cwd", "must be an absolute path", section);
  validate_env(process, findings);
  validate_rlimits(process, findings);
  findings.require(process.user.uid != no_id, "process.user.uid", "must be at most 4294967294", "config.md#user");
  findings.require(process.user.gid != no_id, "process.user.gid", "must be at most 4294967294", "config.md#user");
  for (const auto gid : process.user.additionalGids)
    findings.require(gid != no_id, "process.user.additionalGids", "must be at most 4294967294", "config.md#user");
  findings.require(process.user.umask.value_or(0) <= 0777, "process.user.umask", "must be at most 511 (0777)", "config.md#user");
  if (process.oomScoreAdj)
    findings.require(*process.oomScoreAdj >= -1000 && *process.oomScoreAdj <= 1000, "process.oomScoreAdj",
                     "must be from -1000 to 1000", linux_section);
  if (process.scheduler) validate_scheduler(*process.scheduler, findings);
  if (process.ioPriority) {
    findings.require(is_one_of(process.ioPriority->class_, io_classes), "process.ioPriority.class",
                     "\"" + text::escaped(process.ioPriority->class_) + "\" is unknown", linux_section);
    findings.require(process.ioPriority->priority >= 0 && process.ioPriority->priority <= 7, "process.ioPriority.priority",
                     "must be from 0 to 7", linux_section);
  }
}

}  // namespace agentsafe::oci
