#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <linux/filter.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runtime/base/error.h"
#include "runtime/base/scope.h"
#include "runtime/security/apply.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"

namespace agentsafe::security {
namespace {

constexpr int io_priority_process_group = 2;  // IOPRIO_WHO_PGRP

// CVE-2019-16884: a label written anywhere but to a real procfs protects nothing.
bool write_label(FdRef proc, const std::string& file, const std::string& label) {
  const UniqueFd attribute = sys::maybe_openat(proc, "self/attr/" + file, O_WRONLY | O_NOFOLLOW);
  if (!attribute && (errno == ENOENT || errno == EINVAL)) return false;
  if (!attribute) fail_errno("open /proc/self/attr/" + file);
  if (sys::fstatfs(attribute).f_type != PROC_SUPER_MAGIC) fail("/proc/self/attr/" + file + " is not on a procfs");
  // Podman finds the path between backquotes.
  in_context("write `/proc/self/attr/" + file + "`", [&] { sys::write_once(attribute, label); });
  return true;
}

void set_apparmor(const Confinement& confinement, FdRef proc) {
  const auto& profile = confinement.apparmor_profile;
  if (profile.empty()) return;
  in_context("apply AppArmor profile " + profile, [&] {
    // Without AppArmor "unconfined" holds already; any other profile cannot be enforced.
    const bool enabled = sys::try_fstatat(proc, "self/attr/apparmor/exec").has_value();
    if (!enabled && profile == "unconfined") return;
    const std::string text = "exec " + profile;
    if (enabled && write_label(proc, "apparmor/exec", text)) return;
    if (::access("/sys/module/apparmor", F_OK) == 0 && write_label(proc, "exec", text)) return;
    fail("this host has no AppArmor; remove process.apparmorProfile or enable it");
  });
}

// "user:role:type:level" is SELinux's own form: another LSM, or none, answers otherwise.
bool has_selinux(FdRef proc) {
  const UniqueFd current = sys::maybe_openat(proc, "self/attr/current", O_RDONLY);
  char buffer[256];
  const ssize_t n = current ? ::read(current.get(), buffer, sizeof buffer) : -1;
  return n > 0 && std::string_view(buffer, static_cast<std::size_t>(n)).find(':') != std::string_view::npos;
}

void set_selinux(const Confinement& confinement, FdRef proc) {
  if (confinement.selinux_label.empty()) return;
  in_context("apply SELinux label " + confinement.selinux_label, [&] {
    if (!has_selinux(proc) || !write_label(proc, "exec", confinement.selinux_label))
      fail("this host has no SELinux; remove process.selinuxLabel or enable it");
  });
}

void set_scheduler(const SchedulerSetting& setting) {
  struct {
    std::uint32_t size;
    std::uint32_t policy;
    std::uint64_t flags;
    std::int32_t nice;
    std::uint32_t priority;
    std::uint64_t runtime;
    std::uint64_t deadline;
    std::uint64_t period;
  } attr{sizeof attr, setting.policy, setting.flags, setting.nice, setting.priority, setting.runtime, setting.deadline,
         setting.period};
  if (::syscall(SYS_sched_setattr, 0, &attr, 0) == 0) return;
  const bool affinity = errno == EPERM && setting.deadline != 0;
  fail_errno(std::string("apply process.scheduler") +
             (affinity ? " (SCHED_DEADLINE cannot be used together with a restricted cpuset)" : ""));
}

void set_memory_policy(const MemoryPolicySetting& setting) {
  const unsigned long bits = setting.nodes.size() * 64;
  if (::syscall(SYS_set_mempolicy, setting.mode, setting.nodes.empty() ? nullptr : setting.nodes.data(),
                bits == 0 ? 0 : bits + 1) != 0)
    fail_errno("apply linux.memoryPolicy");
}

}  // namespace

void join_session_keyring(const Confinement& confinement, FdRef proc) {
  if (confinement.keyring.empty()) return;
  const bool labelled = !confinement.selinux_label.empty() && has_selinux(proc) &&
                        write_label(proc, "keycreate", confinement.selinux_label);
  const OnExit unlabelled([&] {
    if (labelled) write_label(proc, "keycreate", "");
  });
  const long ring = ::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, confinement.keyring.c_str());
  if (ring < 0) {
    if (errno == ENOSYS || errno == EPERM) return;  // no keyrings in this kernel, or an outer filter without them
    fail_errno("join the session keyring " + confinement.keyring);
  }
  // The possessor may search it, so that exec finds it by its name.
  constexpr unsigned long possessor_all = 0x3f000000, user_search = 0x00080000;
  ::syscall(SYS_keyctl, KEYCTL_SETPERM, ring, possessor_all | user_search);
}

void set_kernel_attributes(const Confinement& confinement, FdRef proc) {
  set_apparmor(confinement, proc);
  if (confinement.no_new_privileges) sys::set_no_new_privileges();
  if (confinement.scheduler) set_scheduler(*confinement.scheduler);
  if (confinement.io_priority &&
      ::syscall(SYS_ioprio_set, io_priority_process_group, 0, *confinement.io_priority) != 0)
    fail_errno("apply process.ioPriority");
  if (confinement.personality && ::personality(static_cast<unsigned long>(*confinement.personality)) < 0)
    fail_errno("apply linux.personality");
  if (confinement.memory_policy) set_memory_policy(*confinement.memory_policy);
  set_selinux(confinement, proc);
}

UniqueFd load_seccomp(const SeccompProgram& program) {
  std::vector<sock_filter> filter(program.instructions.size() / sizeof(sock_filter));
  std::memcpy(filter.data(), program.instructions.data(), filter.size() * sizeof(sock_filter));
  const sock_fprog compiled{static_cast<unsigned short>(filter.size()), filter.data()};
  const unsigned flags = program.flags | (program.wants_listener ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0U);
  const long result = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &compiled);
  if (result < 0) fail_errno("load a seccomp filter (one that is loaded before it must permit seccomp(2))");
  return program.wants_listener ? UniqueFd(static_cast<int>(result)) : UniqueFd();
}

}  // namespace agentsafe::security
