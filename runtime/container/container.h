// An existing container: its folder, its facts, its cgroup, and what they say about its status now.
//
//   Container web = open_container(runtime, "web");
//   web.require(Operation::pause);      // throws "container not running" …
//   web.cgroup->freeze();
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "oci/state.h"
#include "runtime/base/unique_fd.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/container/requests.h"
#include "runtime/container/status.h"
#include "runtime/container/store.h"
#include "runtime/policy/policy.h"
#include "runtime/security/confinement.h"

namespace agentsafe::container {

struct Container {
  ContainerDir dir;
  Record record;
  std::unique_ptr<cgroup::Cgroup> cgroup;
  bool is_of_another_boot = false;  // then the record is as_seen_after_reboot()

  // The init's pidfd; empty when it has ended, is a zombie, or its pid belongs to another process now.
  [[nodiscard]] UniqueFd init() const;
  [[nodiscard]] Status status() const;
  // Throws in the words that engines match, when the status does not permit the operation.
  void require(Operation operation) const;
  // The init, or throws "container not running".
  [[nodiscard]] UniqueFd running_init() const;
  [[noreturn]] void fail_not_running() const;
  // What a refusal adds: nothing, or why the container has ended and what is left to do.
  [[nodiscard]] std::string_view remark() const;
};

// Throws "container does not exist"; an error when --policy was given and is not the policy it was created with.
[[nodiscard]] Container open_container(const Runtime& runtime, const std::string& id);
// The same, holding the container's lock: for verbs that change it.
[[nodiscard]] Container lock_container(const Runtime& runtime, const std::string& id);

// Writes down what tells the init of record.pid from a later process with that number; throws when it has ended.
void remember_init(Record& record, FdRef pidfd);

// The policy that it was created with.
[[nodiscard]] policy::Policy policy_of(const Record& record);
// The filter of a policy besides the bundle's; nothing for "" and "none".
[[nodiscard]] std::optional<security::SeccompProgram> seccomp_of(const std::string& profile);

// The state that hooks and seccomp agents get.
[[nodiscard]] oci::State oci_state(const Record& record, Status status);

// Gives back the host ids and the scratch layer on disk of a container that has some of its own.
void release_ids(const Container& container);
void release_scratch(const Container& container);
// The same for a container whose state does not say what it has: it was killed before, or the host went down.
void release_unnamed(const ContainerDir& dir);
// Our mount namespace, and the mount that `root` lies on.
[[nodiscard]] HostsMounts hosts_mounts_at(const std::string& root);

// Removes what is left of a stopped container: processes in its cgroup, cgroup, resctrl group, state; then runs the
// poststop hooks, whose failures are warnings (runtime.md#lifecycle).
void destroy(const Runtime& runtime, Container& container, const oci::Spec& spec);
void destroy(const Runtime& runtime, Container& container);  // by the config.json that was saved

}  // namespace agentsafe::container
