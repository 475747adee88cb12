// What a config.json must hold beyond its types: every rule of the specification that a runtime is to check, and those
// that runc and crun add. Pure; all violations at once, each with its JSON path and its section of the specification.
//
//   const auto violations = oci::validate(spec, oci::host_namespaces(spec));
//   if (!violations.empty()) fail(oci::describe(violations));
//   → config.json: process.cwd: must be an absolute path (config.md#process); root.path: …
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "oci/host_namespaces.h"
#include "oci/spec.h"

namespace agentsafe::oci {

struct Violation {
  std::string path;     // "process.rlimits[2].type"
  std::string what;     // "is set twice"
  std::string section;  // "config.md#posix-process"
};

// host: the listed namespaces whose path leads to the runtime's own; what is set in them would be set on the host.
[[nodiscard]] std::vector<Violation> validate(const Spec& spec, const HostNamespaces& host = {});
// process alone, as `exec --process` gets it.
[[nodiscard]] std::vector<Violation> validate_process(const Process& process);
// linux.resources alone, as `update --resources` gets it.
[[nodiscard]] std::vector<Violation> validate_resources(const Resources& resources);
// What is allowed but probably not meant, or has no effect.
[[nodiscard]] std::vector<std::string> warnings(const Spec& spec);
// One line. file: what was read.
[[nodiscard]] std::string describe(const std::vector<Violation>& violations, std::string_view file = "config.json");

}  // namespace agentsafe::oci
