#include "oci/annotations.h"

#include <linux/filter.h>

#include <algorithm>

#include "oci/validation.h"
#include "runtime/base/error.h"
#include "runtime/base/text.h"

namespace agentsafe::oci {
namespace annotation {
namespace {

const std::string* find(const Spec& spec, std::string_view name) {
  const auto found = spec.annotations.find(std::string(name));
  return found != spec.annotations.end() ? &found->second : nullptr;
}

}  // namespace

std::string text(const Spec& spec, std::string_view name) {
  const std::string* value = find(spec, name);
  return value != nullptr ? *value : "";
}

bool is_on(const Spec& spec, std::string_view name) {
  const std::string* value = find(spec, name);
  return value != nullptr && *value != "0";
}

std::optional<std::string> filter(const Spec& spec) {
  const std::string* value = find(spec, seccomp_bpf_data);
  if (value == nullptr) return std::nullopt;
  auto bytes = text::from_base64(*value);
  constexpr std::size_t size = sizeof(sock_filter);
  if (!bytes || bytes->empty() || bytes->size() % size != 0 || bytes->size() / size > BPF_MAXINSNS)
    fail("annotations: " + std::string(seccomp_bpf_data) + ": must be 1 to 4096 instructions of 8 bytes in base64");
  return bytes;
}

void settle_receiver(Spec& spec, const std::string& otherwise) {
  if (!spec.linux || !spec.linux->seccomp || !spec.linux->seccomp->listenerPath.empty()) return;
  auto& seccomp = *spec.linux->seccomp;
  const bool notifies = std::any_of(seccomp.syscalls.begin(), seccomp.syscalls.end(),
                                    [](const auto& rule) { return rule.action == "SCMP_ACT_NOTIFY"; });
  if (!notifies) return;
  const std::string* value = find(spec, seccomp_receiver);
  seccomp.listenerPath = value != nullptr ? *value : otherwise;
}

}  // namespace annotation

void validate_annotations(const Spec& spec, Findings& findings) {
  constexpr std::string_view section = "crun(1)";
  constexpr std::string_view context_types[] = {"context", "fscontext", "defcontext", "rootcontext"};
  const Where where("annotations");
  for (const auto name : {annotation::hooks_stdout, annotation::hooks_stderr, annotation::seccomp_receiver,
                          annotation::pidfd_receiver, annotation::force_cgroup_v1})
    if (const auto* path = annotation::find(spec, name)) findings.require_absolute(*path, where / name, section);
  if (const auto* word = annotation::find(spec, annotation::mount_context_type))
    findings.require_known(*word, context_types, where / annotation::mount_context_type, section);
}

}  // namespace agentsafe::oci
