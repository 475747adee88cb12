// bpf(2) for cgroup device programs. Source: bpf(2), linux/bpf.h. Loading needs CAP_BPF or CAP_SYS_ADMIN in the
// initial user namespace.
#pragma once
#include <linux/bpf.h>

#include <vector>

#include "runtime/base/unique_fd.h"

namespace agentsafe::sys {

// Loads a BPF_PROG_TYPE_CGROUP_DEVICE program. Before Linux 5.11 the locked memory counts against RLIMIT_MEMLOCK: after
// an EPERM the limit is raised, where that is allowed, and the load tried once more.
// Throws Error with what the verifier said.
UniqueFd bpf_load_device_program(const std::vector<bpf_insn>& program);

// BPF_PROG_ATTACH with BPF_F_ALLOW_MULTI: all programs of this cgroup and of those above must allow an access.
// The attachment lasts as long as the cgroup.
void bpf_attach_device_program(FdRef cgroup, FdRef program);

}  // namespace agentsafe::sys
