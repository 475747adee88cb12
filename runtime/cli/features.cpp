#include "runtime/cli/features_document.h"
#include "runtime/cli/invocation.h"
#include "runtime/cli/json_layout.h"
#include "runtime/cli/usage.h"
#include "runtime/cli/verbs.h"
#include "runtime/mount/options.h"
#include "runtime/security/capabilities.h"
#include "runtime/security/seccomp.h"

namespace agentsafe::cli {
namespace features_document {
namespace {

Linux linux_features() {
  Linux linux;
  linux.namespaces = {"cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"};
  linux.capabilities = security::capability_names();
  linux.cgroup = {.v1 = true, .v2 = true, .systemd = false, .systemdUser = false, .rdma = true};
  linux.seccomp = {.enabled = true,
                   .actions = security::seccomp_actions(),
                   .operators = security::seccomp_operators(),
                   .archs = security::seccomp_architectures(),
                   .knownFlags = security::seccomp_flags(),
                   .supportedFlags = security::seccomp_flags()};
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
  document.annotations = {{"io.github.seccomp.libseccomp.version", std::string(security::libseccomp_version())},
                          {"org.opencontainers.runc.checkpoint.enabled", "false"}};
  document.potentiallyUnsafeConfigAnnotations = {"bundle", "org.criu.config", "org.systemd.property."};
  return document;
}

}  // namespace features_document

int features(const Invocation& invocation) {
  invocation.print(indented(json::write(features_document::features()), "    ") + "\n");
  return 0;
}

}  // namespace agentsafe::cli
