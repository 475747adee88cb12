#include "runtime/cli/default_spec.h"

#include <algorithm>

#include "runtime/cli/usage.h"

namespace agentsafe::cli {
namespace {

oci::Process default_process() {
  const std::vector<std::string> capabilities = {"CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"};
  oci::Process process;
  process.terminal = true;
  process.args = {"sh"};
  process.env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"};
  process.cwd = "/";
  process.capabilities =
      oci::Capabilities{.bounding = capabilities, .effective = capabilities, .permitted = capabilities};
  process.rlimits = {{"RLIMIT_NOFILE", 1024, 1024}};
  process.noNewPrivileges = true;
  return process;
}

oci::Mount mount(std::string destination, std::string type, std::string source, std::vector<std::string> options) {
  oci::Mount made;
  made.destination = std::move(destination);
  made.type = std::move(type);
  made.source = std::move(source);
  made.options = std::move(options);
  return made;
}

std::vector<oci::Mount> default_mounts() {
  return {
      mount("/proc", "proc", "proc", {}),
      mount("/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}),
      mount("/dev/pts", "devpts", "devpts", {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}),
      mount("/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}),
      mount("/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}),
      mount("/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"}),
      mount("/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", "relatime", "ro"}),
  };
}

oci::Linux default_linux(bool cgroup2) {
  oci::Linux linux;
  for (const char* type : {"pid", "network", "ipc", "uts", "mount"}) linux.namespaces.push_back({type, ""});
  if (cgroup2) linux.namespaces.push_back({"cgroup", ""});
  linux.resources.emplace();
  linux.resources->devices.push_back({.allow = false, .access = "rwm"});
  linux.maskedPaths = {"/proc/acpi",
                       "/proc/asound",
                       "/proc/kcore",
                       "/proc/keys",
                       "/proc/latency_stats",
                       "/proc/timer_list",
                       "/proc/timer_stats",
                       "/proc/sched_debug",
                       "/proc/scsi",
                       "/sys/firmware",
                       "/sys/devices/virtual/powercap"};
  linux.readonlyPaths = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
  return linux;
}

}  // namespace

oci::Spec default_spec(bool cgroup2) {
  oci::Spec spec;
  spec.ociVersion = spec_version;
  spec.process = default_process();
  spec.root = oci::Root{"rootfs", true};
  spec.hostname = "agentsafe";
  spec.mounts = default_mounts();
  spec.linux = default_linux(cgroup2);
  return spec;
}

oci::Spec rootless_spec(std::uint32_t uid, std::uint32_t gid, bool cgroup2) {
  oci::Spec spec = default_spec(cgroup2);
  for (oci::Mount& one : spec.mounts) {
    std::erase(one.options, "gid=5");  // a group that the user namespace does not have
    // A user who does not own the network namespace may not mount sysfs.
    if (one.destination == "/sys") one = mount("/sys", "none", "/sys", {"rbind", "nosuid", "noexec", "nodev", "ro"});
  }
  oci::Linux& linux = *spec.linux;
  std::erase_if(linux.namespaces, [](const oci::Namespace& one) { return one.type == "network"; });
  linux.namespaces.push_back({"user", ""});
  linux.uidMappings = {{0, uid, 1}};
  linux.gidMappings = {{0, gid, 1}};
  linux.resources.reset();
  return spec;
}

}  // namespace agentsafe::cli
