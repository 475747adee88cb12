// What a checkpoint holds beside criu's own images, and what criu must be told to leave alone. Checkpoints are untrusted
// input: what is read here is checked against the bundle and its policy, never the other way round.
//
//   descriptors.json   ["/dev/null","pipe:[4711]","pipe:[4712]"]   as runc writes and reads it
//   agentsafe.json     under which policy the container ran
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/container/held_pipes.h"
#include "runtime/criu/options.h"
#include "runtime/mount/rootfs_plan.h"
#include "runtime/policy/harden.h"

namespace agentsafe::container {

inline constexpr const char* descriptors_file = "descriptors.json";
inline constexpr const char* provenance_file = "agentsafe.json";
inline constexpr const char* dump_log = "dump.log";
inline constexpr const char* restore_log = "restore.log";

struct Provenance {
  std::uint32_t version = 1;
  std::string policy;           // its name
  std::string effectivePolicy;  // as policy/policy.h writes it; empty: oci
};
[[nodiscard]] std::string to_json(const Provenance& provenance);
[[nodiscard]] Provenance read_provenance(std::string_view text);

// Throws, with the key to change, for a policy that makes of the root file system what criu cannot restore.
void check_restorable(const policy::Hardened& hardened, const std::string& policy_name);

[[nodiscard]] std::string descriptors_json(const std::vector<std::string>& descriptors);
// The pipes among them, each once, with the number of the standard stream that takes its place.
[[nodiscard]] std::vector<std::pair<std::string, std::int32_t>> inherited_pipes(std::string_view descriptors_json);

// What the standard streams of the container were connected to when it was created. `init`: its descriptors 0 to 2 now.
// A pipe of which the container holds one end only has the other outside: a process that holds it as 0, 1 or 2 tells
// what it was, also when the init has put something else in its place since.
[[nodiscard]] std::vector<std::string> external_descriptors(std::vector<std::string> init,
                                                            const std::vector<HeldPipe>& pipes);

// A mount that comes from outside the container: criu does not save it, and takes it from the host again.
struct ExternalMount {
  std::string destination;  // in the container, also its name in the images
  std::string source;       // on the host
};
// Throws for what criu would restore as something else: mounts with mapped ids.
[[nodiscard]] std::vector<ExternalMount> external_mounts(const mount::RootfsPlan& plan, const std::string& state_dir);

// criu's name for a namespace that is joined by path: "extRootNetNS"; empty for types that it handles otherwise.
[[nodiscard]] std::string external_namespace(const std::string& type);

// One line out of criu's answer and its log.
[[nodiscard]] std::string criu_failure(const criu::Answer& answer, const std::string& log_path);

}  // namespace agentsafe::container
