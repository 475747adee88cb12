// What a policy does to a config.json: one row per hardening, applied in order. Pure and idempotent; a valid Spec stays
// valid, and only ever loses privileges.
//
//   Hardened hard = harden(spec, policy, look_around(spec, bundle, policy));    // surroundings.h
//   if (!hard.refusals.empty()) fail(...);                      // the policy does not run this bundle at all
//   hard.spec, hard.seccomp, hard.scratch                       // → make_plan
//   hard.changes                                                // → explain: property, before, after, key, why
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "oci/spec.h"
#include "runtime/policy/policy.h"
#include "runtime/policy/surroundings.h"

namespace agentsafe::policy {

struct Change {
  std::string property;  // "process.noNewPrivileges"
  std::string before;    // "" when there was none
  std::string after;     // "" when it was taken away
  std::string_view key;  // of the policy
  std::string_view why;
};

struct Refusal {
  std::string_view key;
  std::string what;  // with its remedy
};

struct Scratch {           // a layer over the image that takes every change and ends with the container
  std::uint64_t size = 0;  // bytes
  std::string disk;        // the folder in which it gets one; "": it is in memory
};

struct Hardened {
  oci::Spec spec;
  std::string seccomp;             // a profile of ours besides the bundle's; "": none
  std::optional<Scratch> scratch;  // nothing: the image itself is the root
  bool nosuid_root = false;        // mount attributes of the root; those of mounts are among their options
  bool nodev_root = false;
  bool own_ids = false;            // a user namespace with 64K host ids of its own, root and binds idmapped to it
  std::vector<Change> changes;
  std::vector<Refusal> refusals;
  std::vector<std::string> notes;  // what is worth knowing, but no change
};

class Hardening;  // what a row works on: harden.cpp

struct Row {
  std::string_view key;  // the key of the policy that rules it
  std::string_view why;
  void (*apply)(Hardening&);
};
// In the order of application.
[[nodiscard]] std::span<const Row> hardenings();

[[nodiscard]] Hardened harden(const oci::Spec& spec, const Policy& policy, const Surroundings& around);

// The part of it that an exec needs: env, capabilities, no_new_privs and rlimits of another process.
[[nodiscard]] oci::Process harden_process(const oci::Process& process, const Policy& policy,
                                          const Surroundings& around);
// Adds the cgroup namespace that harden() adds; answers whether it did.
bool own_cgroup_namespace(oci::Spec& spec, const Policy& policy);
// The new limits of an update, with those that exceed the policy's brought down to them; current: those in force.
[[nodiscard]] oci::Resources harden_update(const oci::Resources& change, const oci::Resources& current,
                                           const Policy& policy, const Surroundings& around);

// One line: "policy strict refuses this bundle: …; …".
[[nodiscard]] std::string describe(const std::vector<Refusal>& refusals, const std::string& policy_name);

}  // namespace agentsafe::policy
