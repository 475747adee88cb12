// crun's annotations that this runtime carries out (crun(1)); all others are carried along and change nothing, as
// config.md#annotations demands.
//
//   run.oci.keep_original_groups=1         the caller's additional groups stay ("0": as if it were absent)
//   run.oci.hooks.stdout=FILE, ….stderr    what hooks print is appended to FILE
//   run.oci.seccomp.receiver=SOCKET        the agent of SCMP_ACT_NOTIFY where linux.seccomp has no listenerPath
//   run.oci.seccomp_fail_unknown_syscall=1 names of system calls that are unknown are an error, not a warning
//   run.oci.seccomp_bpf_data=BASE64        the filter's instructions, in the place of linux.seccomp
//   run.oci.mount_context_type=WORD        the mount option that linux.mountLabel becomes: context, fscontext …
//   run.oci.systemd.force_cgroup_v1=PATH   the cgroup mount at PATH shows the hierarchy name=systemd of version 1 alone
//   run.oci.pidfd_receiver=SOCKET          is sent a pidfd of the container's process, as --pidfd-socket does
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "oci/spec.h"

namespace agentsafe::oci::annotation {

inline constexpr std::string_view keep_original_groups = "run.oci.keep_original_groups";
inline constexpr std::string_view hooks_stdout = "run.oci.hooks.stdout";
inline constexpr std::string_view hooks_stderr = "run.oci.hooks.stderr";
inline constexpr std::string_view seccomp_receiver = "run.oci.seccomp.receiver";
inline constexpr std::string_view fail_unknown_syscall = "run.oci.seccomp_fail_unknown_syscall";
inline constexpr std::string_view seccomp_bpf_data = "run.oci.seccomp_bpf_data";
inline constexpr std::string_view mount_context_type = "run.oci.mount_context_type";
inline constexpr std::string_view force_cgroup_v1 = "run.oci.systemd.force_cgroup_v1";
inline constexpr std::string_view pidfd_receiver = "run.oci.pidfd_receiver";

// Its value; "" when it is absent.
[[nodiscard]] std::string text(const Spec& spec, std::string_view name);
// It is there, and is not "0".
[[nodiscard]] bool is_on(const Spec& spec, std::string_view name);
// The instructions of seccomp_bpf_data, struct sock_filter each; nothing when it is absent. Throws when it is no
// filter.
[[nodiscard]] std::optional<std::string> filter(const Spec& spec);

// Puts the agent's socket where linux.seccomp notifies and names none: the annotation, else `otherwise` (the variable
// RUN_OCI_SECCOMP_RECEIVER). To be called before validate().
void settle_receiver(Spec& spec, const std::string& otherwise);

}  // namespace agentsafe::oci::annotation
