// config.md#mounts and config.md#posix-platform-hooks. Whether a mount's words fit together is decided where it is
// planned (runtime/mount): most of them belong to file systems that we need not know.
#include <algorithm>

#include "oci/validation.h"

namespace agentsafe::oci {
namespace {

constexpr std::string_view section = "config.md#mounts";

bool asks_for_idmap(const Mount& mount) {
  return std::any_of(mount.options.begin(), mount.options.end(),
                     [](const auto& option) { return option == "idmap" || option == "ridmap"; });
}

void validate_hook_list(const std::vector<Hook>& hooks, const Where& where, Findings& findings) {
  constexpr std::string_view hooks_section = "config.md#posix-platform-hooks";
  for (std::size_t i = 0; i < hooks.size(); ++i) {
    const Where hook = where[i];
    findings.require_absolute(hooks[i].path, hook / "path", hooks_section);
    findings.require(hooks[i].timeout.value_or(1) > 0, hook / "timeout", "must be greater than 0", hooks_section);
  }
}

}  // namespace

void validate_mounts(const Spec& spec, const NamespaceFacts& facts, Findings& findings) {
  const Where mounts("mounts");
  for (std::size_t i = 0; i < spec.mounts.size(); ++i) {
    const auto& mount = spec.mounts[i];
    const Where where = mounts[i];
    findings.require(!mount.destination.empty(), where / "destination", "must not be empty", section);
    findings.require(mount.uidMappings.empty() == mount.gidMappings.empty(), where,
                     "uidMappings and gidMappings go together", section);
    const bool unmapped = asks_for_idmap(mount) && mount.uidMappings.empty() && mount.gidMappings.empty();
    findings.require(!unmapped || facts.user, where / "options",
                     "idmap needs uidMappings and gidMappings, or a user namespace whose mappings it takes", section);
    validate_mappings(mount.uidMappings, where / "uidMappings", section, findings);
    validate_mappings(mount.gidMappings, where / "gidMappings", section, findings);
  }
}

void validate_hooks(const Hooks& hooks, Findings& findings) {
  validate_hook_list(hooks.prestart, Where("hooks.prestart"), findings);
  validate_hook_list(hooks.createRuntime, Where("hooks.createRuntime"), findings);
  validate_hook_list(hooks.createContainer, Where("hooks.createContainer"), findings);
  validate_hook_list(hooks.startContainer, Where("hooks.startContainer"), findings);
  validate_hook_list(hooks.poststart, Where("hooks.poststart"), findings);
  validate_hook_list(hooks.poststop, Where("hooks.poststop"), findings);
}

}  // namespace agentsafe::oci
