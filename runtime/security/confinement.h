// Everything that restricts the user's process, as plain values: one struct and one order for create and exec
// (security.md rule 13). Made on the host (plan_confinement), applied in the init image (apply.h).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "oci/spec.h"
#include "runtime/base/wire.h"

namespace agentsafe::security {

struct CapabilityMasks {  // bit n is capability n
  std::uint64_t bounding = 0;
  std::uint64_t effective = 0;
  std::uint64_t inheritable = 0;
  std::uint64_t permitted = 0;
  std::uint64_t ambient = 0;
  bool operator==(const CapabilityMasks&) const = default;
};

struct Rlimit {
  std::int32_t resource = 0;  // RLIMIT_*
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
};

struct SchedulerSetting {  // sched_setattr(2)
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0;
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
};

struct MemoryPolicySetting {  // set_mempolicy(2)
  std::int32_t mode = 0;      // with its flags
  std::vector<std::uint64_t> nodes;
};

// A compiled filter, ready for seccomp(2).
struct SeccompProgram {
  std::string instructions;  // struct sock_filter each
  std::uint32_t flags = 0;   // SECCOMP_FILTER_FLAG_*
  bool wants_listener = false;
};

struct Confinement {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::uint32_t> additional_gids;
  bool sets_groups = true;           // false: setgroups(2) is denied to the runtime
  std::uint32_t umask = 0022;
  CapabilityMasks capabilities;
  bool no_new_privileges = false;
  std::string apparmor_profile;
  std::string selinux_label;
  std::string keyring;               // "_ses.<id>"; empty: the caller's session keyring is kept
  std::optional<SchedulerSetting> scheduler;
  std::optional<std::int32_t> io_priority;   // as ioprio_set(2) takes it
  std::optional<std::uint64_t> personality;
  std::optional<MemoryPolicySetting> memory_policy;
  std::vector<Rlimit> rlimits;       // set from outside: rlimits.h
  std::vector<SeccompProgram> seccomp;       // in the order of loading; the strictest answer of all holds
};

struct ConfinementOptions {
  std::string id;
  bool new_keyring = true;
  bool may_set_groups = true;        // false: setgroups(2) is denied to the runtime
  bool keep_groups = false;          // the caller's additional groups stay, whatever the process asks for
  bool fail_unknown_syscall = false;
  std::optional<std::string> raw_filter;  // instructions, in the place of linux.seccomp
  std::string seccomp_cache;         // folder for compiled filters; empty: none
  std::optional<SeccompProgram> stacked_seccomp;  // a filter of ours (profiles.h), besides linux.seccomp
};

// Host side. Unknown capabilities are warnings (config.md#linux-process); what the host cannot enforce throws.
[[nodiscard]] Confinement plan_confinement(const oci::Process& process, const oci::Linux& linux,
                                           const ConfinementOptions& options, std::vector<std::string>& warnings);

// The filter among them, if any, whose notifications an agent answers. Only linux.seccomp makes one.
[[nodiscard]] bool wants_listener(const Confinement& confinement);

// What an exec gets: engines always send their defaults, so the request is narrowed, not refused. Capabilities stay
// within the container's bounding set, no_new_privs is inherited, of each rlimit the lower one holds. (The seccomp filter
// is the container's own in both.)
[[nodiscard]] Confinement narrow(Confinement request, const Confinement& container);

}  // namespace agentsafe::security

namespace agentsafe::wire {
template <>
inline constexpr auto members<security::CapabilityMasks> =
    std::tuple{&security::CapabilityMasks::bounding, &security::CapabilityMasks::effective,
               &security::CapabilityMasks::inheritable, &security::CapabilityMasks::permitted,
               &security::CapabilityMasks::ambient};
template <>
inline constexpr auto members<security::Rlimit> =
    std::tuple{&security::Rlimit::resource, &security::Rlimit::soft, &security::Rlimit::hard};
template <>
inline constexpr auto members<security::SchedulerSetting> =
    std::tuple{&security::SchedulerSetting::policy,  &security::SchedulerSetting::flags,
               &security::SchedulerSetting::nice,    &security::SchedulerSetting::priority,
               &security::SchedulerSetting::runtime, &security::SchedulerSetting::deadline,
               &security::SchedulerSetting::period};
template <>
inline constexpr auto members<security::MemoryPolicySetting> =
    std::tuple{&security::MemoryPolicySetting::mode, &security::MemoryPolicySetting::nodes};
template <>
inline constexpr auto members<security::SeccompProgram> =
    std::tuple{&security::SeccompProgram::instructions, &security::SeccompProgram::flags,
               &security::SeccompProgram::wants_listener};
template <>
inline constexpr auto members<security::Confinement> = std::tuple{
    &security::Confinement::uid,          &security::Confinement::gid,
    &security::Confinement::additional_gids, &security::Confinement::sets_groups,
    &security::Confinement::umask,        &security::Confinement::capabilities,
    &security::Confinement::no_new_privileges, &security::Confinement::apparmor_profile,
    &security::Confinement::selinux_label, &security::Confinement::keyring,
    &security::Confinement::scheduler,    &security::Confinement::io_priority,
    &security::Confinement::personality,  &security::Confinement::memory_policy,
    &security::Confinement::rlimits,      &security::Confinement::seccomp};
}  // namespace agentsafe::wire
