// Where a policy comes from. One base: what --policy names, else the operator's default_policy, else default_name; it
// may extend others. Then the annotations org.agentsafe.* of config.json, which may only narrow it, but for the keys
// that the operator's config.json lists in allow_widen.
//
//   /etc/agentsafe/config.json {"version":1,"default_policy":"strict","allow_widen":[],"log_dir":"/var/log/agentsafe",
//                                "scratch_dir":"/var/lib/agentsafe/scratch"}
//   /etc/agentsafe/policies/NAME.json    {"version":1,"extends":"strict","limits":{"memory":"2G"}}
//
//   Resolved chosen = policy::resolve({}, "strict", spec, {.cpus = 4});
//   chosen.policy, chosen.sources                       // "annotation org.agentsafe.limits.memory"
//
// Files must belong to root and not be writable by group or others, or they are refused; a --policy FILE may belong to
// the caller too. In a user namespace that has no number for the host's root (rootless podman's), they belong to root if
// "/" has the same owner. A file without "extends" extends strict. Errors name file and key.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "oci/spec.h"
#include "runtime/policy/policy.h"

namespace agentsafe::policy {

inline constexpr std::string_view default_name = "strict";

struct Operator {  // /etc/agentsafe/config.json
  std::optional<std::string> default_policy;
  Words allow_widen;
  std::string log_dir = "/var/log/agentsafe";
  std::string scratch_dir = "/var/lib/agentsafe/scratch";  // of scratch layers on disk
};

struct Resolved {
  std::string name;  // of the base, as kept in the state: strict, or a file's absolute path
  Policy policy;
  Sources sources;  // as long as fields()
};

// What of the host a policy's "half" and "auto" stand for.
struct HostShare {
  unsigned cpus = 0;  // 0: the machine is asked, when a policy needs it
};

// The operator's folder; another one in tests.
struct Places {
  std::string folder = "/etc/agentsafe";
};

// The name as the state keeps it: a word as it is, a path made absolute from `cwd`. Throws for what is neither.
[[nodiscard]] std::string canonical_name(std::string_view given, const std::string& cwd);

// A missing file is the same as {"version":1}.
[[nodiscard]] Operator read_operator(const Places& places);

// The policy of this name alone, with what it extends: a built-in or installed one, or the file at a path.
[[nodiscard]] Resolved load(const Places& places, const std::string& name);
// The names that load() takes: built-in ones, then the operator's, sorted.
[[nodiscard]] std::vector<std::string> names(const Places& places);

// The effective policy of a container; given: --policy. "auto" of ingress and "half" of cpus are replaced. Does not ask
// for objections().
[[nodiscard]] Resolved resolve(const Places& places, const std::optional<std::string>& given, const oci::Spec& spec,
                               HostShare host);

// Whether an engine made the spec: it brings a network namespace, hooks that set one up, or annotations of its own.
[[nodiscard]] bool is_of_engine(const oci::Spec& spec);

}  // namespace agentsafe::policy
