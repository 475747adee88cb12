#include <algorithm>

#include "runtime/cli/features_document.h"
#include "runtime/cli/invocation.h"
#include "runtime/cli/json_layout.h"
#include "runtime/cli/seccomp_support.h"
#include "runtime/cli/usage.h"
#include "runtime/cli/verbs.h"
#include "runtime/mount/options.h"
#include "runtime/security/capabilities.h"
#include "runtime/security/library_tables.h"
#include "runtime/security/seccomp_words.h"

namespace agentsafe::cli {
namespace features_document {
namespace {

std::vector<std::string> sorted(const std::vector<std::string_view>& words) {
  std::vector<std::string> names(words.begin(), words.end());
  std::sort(names.begin(), names.end());
  return names;
}

Seccomp seccomp_features() {
  Seccomp seccomp;
  seccomp.enabled = true;
  seccomp.actions = sorted(security::seccomp_action_words());
  seccomp.operators = sorted(security::seccomp_operator_words());
  seccomp.archs = sorted(security::seccomp_architecture_words());
  seccomp.knownFlags = sorted(security::seccomp_flag_words());
  for (const std::string& flag : seccomp.knownFlags)
    if (kernel_takes_seccomp_flag(security::seccomp_flag(flag).value_or(0))) seccomp.supportedFlags.push_back(flag);
  return seccomp;
}

Linux linux_features() {
  Linux linux;
  linux.namespaces = {"cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"};
  linux.capabilities = security::capability_names();
  linux.cgroup = {.v1 = true, .v2 = true, .systemd = true, .systemdUser = true, .rdma = true};
  linux.seccomp = seccomp_features();
  linux.apparmor.enabled = true;
  linux.selinux.enabled = true;
  linux.intelRdt = {.enabled = true, .schemata = true, .monitoring = true};
  linux.memoryPolicy.modes = {"MPOL_BIND",      "MPOL_DEFAULT",        "MPOL_INTERLEAVE",         "MPOL_LOCAL",
                              "MPOL_PREFERRED", "MPOL_PREFERRED_MANY", "MPOL_WEIGHTED_INTERLEAVE"};
  linux.memoryPolicy.flags = {"MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES"};
  linux.mountExtensions.idmap.enabled = true;
  linux.netDevices.enabled = true;
  return linux;
}

}  // namespace

Features features() {
  Features document;
  document.ociVersionMin = "1.0.0";
  document.ociVersionMax = spec_version;
  document.hooks = {"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"};
  document.mountOptions = mount::mount_option_names();
  document.linux = linux_features();
  document.annotations = {
      {"io.github.seccomp.libseccomp.version", std::string(security::libseccomp_version())},
      {"org.opencontainers.runc.checkpoint.enabled", "true"},
      {"org.opencontainers.runc.version", "1.4.0"}};  // the one most like this, of the same specification
  document.potentiallyUnsafeConfigAnnotations = {"bundle", "org.agentsafe.", "org.criu.config", "org.systemd.property.",
                                                 "run.oci."};
  return document;
}

}  // namespace features_document

int features(const Invocation& invocation) {
  invocation.print(indented(json::write(features_document::features()), "    ") + "\n");
  return 0;
}

}  // namespace agentsafe::cli
