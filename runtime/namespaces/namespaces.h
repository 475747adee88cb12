// The namespaces of a container: which are created, which are joined, and what is set once inside.
// Source: namespaces(7), config-linux.md#namespaces. The plan is made on the host; the functions below it run in the
// init image (and its stage process).
#pragma once
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "oci/linux.h"
#include "runtime/base/unique_fd.h"
#include "runtime/base/wire.h"

namespace agentsafe::namespaces {

// A namespace to join: by descriptor, opened on the host by the parent and inherited by the image.
struct Join {
  std::uint64_t flag = 0;  // CLONE_NEW…
  std::int32_t fd = -1;
};

struct NamespacePlan {
  std::uint64_t create = 0;         // CLONE_NEW… flags
  std::vector<Join> join;
  std::int32_t join_pidfd = -1;     // exec: join these namespaces of a process at once, setns(pidfd, join_pidfd_flags)
  std::uint64_t join_pidfd_flags = 0;
  bool rootless = false;            // the runtime has no privileges outside the user namespace
  // Lines of /proc/PID/timens_offsets ("boottime 10 0"), when a new time namespace has offsets.
  std::string time_offsets;
  bool loopback_up = false;         // a new network namespace
  std::string hostname;
  std::string domainname;

  // True when the init cannot be cloned straight into its namespaces: something is joined, a user namespace is made
  // (its maps must be written first) or time offsets are written (before the first process of the namespace).
  [[nodiscard]] bool staged() const;
};

// The flags that clone3 makes at once; the cgroup namespace is left to unshare, after the cgroup is joined.
[[nodiscard]] std::uint64_t clone_flags(const NamespacePlan& plan);

// config-linux.md#namespaces: "pid" → CLONE_NEWPID; 0 for an unknown word.
[[nodiscard]] std::uint64_t flag_of(const std::string& type);
[[nodiscard]] const char* type_of(std::uint64_t flag);

// Pure: everything but the descriptors of joined namespaces, which open_joined adds.
[[nodiscard]] NamespacePlan plan_namespaces(const oci::Linux& linux, const std::string& hostname,
                                            const std::string& domainname, bool rootless);

// Whether the init will be born in a network namespace of its own, with nothing to join or to map before: then it can be
// made by whoever has the time (process/ahead.h).
[[nodiscard]] bool makes_network_at_once(const oci::Linux& linux);

// Host side: opens the paths of joined namespaces, checks that each is of its type, and enters the descriptors in the
// plan. The owners must live until the image has been spawned. A path that is missing is named.
[[nodiscard]] std::vector<UniqueFd> open_joined(NamespacePlan& plan, const oci::Linux& linux);

// Init side, in the stage process. Joins all but the user namespace first, with the privileges of the host (a network
// namespace that the host owns cannot be joined without them); what was refused is tried again inside the user
// namespace, where a runtime without privileges has them.
void join_before_user(const NamespacePlan& plan, std::vector<Join>& refused);
void join_user_and_rest(const NamespacePlan& plan, const std::vector<Join>& refused);
void make_time_namespace(const NamespacePlan& plan);
// Loopback, host and domain name; once inside all namespaces.
void set_up(const NamespacePlan& plan);

}  // namespace agentsafe::namespaces

namespace agentsafe::wire {
template <>
inline constexpr auto members<namespaces::Join> = std::tuple{&namespaces::Join::flag, &namespaces::Join::fd};
template <>
inline constexpr auto members<namespaces::NamespacePlan> =
    std::tuple{&namespaces::NamespacePlan::create,           &namespaces::NamespacePlan::join,
               &namespaces::NamespacePlan::join_pidfd,       &namespaces::NamespacePlan::join_pidfd_flags,
               &namespaces::NamespacePlan::rootless,         &namespaces::NamespacePlan::time_offsets,
               &namespaces::NamespacePlan::loopback_up,      &namespaces::NamespacePlan::hostname,
               &namespaces::NamespacePlan::domainname};
}  // namespace agentsafe::wire
