// What agentsafe adds to, and refuses of, a config.json: one value per key of the policy schema. All keys, their types
// and their order of narrowness are rows of one table (fields.h); reading, printing and the meet go over it.
//
//   Policy policy = read_changes(R"({"version":1,"limits":{"memory":"2G"}})", {}, sources, "web.json");
//   policy.memory                            → 2147483648
//   Policy both = meet(policy, other);       // of every key the narrower value: never allows more than either
//   std::string text = to_json(both);        // every key; reads back as the same policy
//
// A default Policy is `oci`: nothing added, nothing removed, everything allowed. Sizes are bytes, durations seconds.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/policy/egress.h"

namespace agentsafe::policy {

using Words = std::vector<std::string>;  // in normal form: sorted, without what another entry covers (meet.h)

inline constexpr std::uint64_t no_limit = UINT64_MAX;
inline constexpr std::uint64_t half_of_host = 0;       // limits.cpus: half of the host's, at least one
inline constexpr std::string_view everything = "ALL";  // in process.capabilities

struct Policy {
  Words ingress{"engine"};  // "auto", "engine" or port numbers; empty: nothing may come in
  Words host_namespaces{"ipc", "network", "pid", "uts"};
  bool privileged = true;
  bool engine_sockets = true;

  std::string egress_mode = "off";
  std::string egress_names = "pin";
  Words egress_presets;
  Words egress_allow;
  Words egress_deny;
  Words egress_internal;
  Words dns_local;
  std::uint64_t egress_bytes = no_limit;
  std::uint64_t egress_connections = no_limit;

  std::string rootfs = "writable";
  std::string scratch = "tmpfs";
  std::uint64_t scratch_size = no_limit;
  std::string workspace_path = "/workspace";
  std::string workspace_mode = "bind";
  Words writable;
  Words readonly;
  Words hidden;
  std::string protect = "none";

  std::uint64_t memory = no_limit;
  std::uint64_t swap = no_limit;
  std::uint64_t shm = no_limit;
  std::uint64_t cpus = no_limit;  // thousandths
  std::uint64_t pids = no_limit;
  std::uint64_t wall = no_limit;
  std::uint64_t cpu_time = no_limit;
  std::uint64_t open_files = no_limit;
  std::uint64_t core = no_limit;

  Words capabilities{std::string(everything)};  // without CAP_
  std::string seccomp = "none";
  bool no_new_privileges = false;
  std::string userns = "off";
  Words env_deny;

  std::string audit_mode = "enforce";
  Words audit_events;
  Words guard;  // each rule as JSON

  bool operator==(const Policy&) const = default;
};

// Where each key's value comes from, at the key's place in fields(): "built-in policy strict".
using Sources = std::vector<std::string>;

// `base` with the keys of `json`, the whole text of a policy file. Throws Error with every violation, each with its key
// path and an example of a right value. "extends" is checked, not followed (sources.h). `source` is noted in `sources`.
[[nodiscard]] Policy read_changes(std::string_view json, Policy base, Sources& sources, const std::string& source);
// `base` with one key set from the text of an annotation: the key's JSON value, or a bare word or number, or a list
// with commas. Throws for an unknown key.
[[nodiscard]] Policy read_one(std::string_view key, std::string_view text, Policy base);

// All keys, laid out over lines for people when `indent` is not 0. Keys that are "auto" keep that word.
[[nodiscard]] std::string to_json(const Policy& policy, unsigned indent = 0);
// One key's value as JSON: `"4G"`, `["/data"]`, true.
[[nodiscard]] std::string value_of(const Policy& policy, std::string_view key);

// Per key the narrower value. Idempotent, commutative and associative; never allows more than either.
[[nodiscard]] Policy meet(const Policy& a, const Policy& b);
// a allows nothing that b does not.
[[nodiscard]] inline bool narrower_or_equal(const Policy& a, const Policy& b) { return meet(a, b) == a; }

// What the packet filter is made of; nothing for mode "off". Precondition: no objections(), and settled ingress.
[[nodiscard]] std::optional<Egress> egress_of(const Policy& policy);

// What this version cannot enforce although the policy demands it, and what contradicts itself: one line each, with
// key, reason and remedy. Empty: the policy can be used.
[[nodiscard]] std::vector<std::string> objections(const Policy& policy);

}  // namespace agentsafe::policy
