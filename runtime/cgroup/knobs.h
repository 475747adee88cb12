// The resource table: each property of linux.resources → the cgroup files that enforce it, and the text they take.
// Pure; who writes is writes.h. Devices are apart: device_rules.h, device_filter.h.
// Sources: config-linux.md#control-groups, Documentation/admin-guide/cgroup-v1/*, cgroup-v2.rst; where the
// specification speaks of version 1 only, the values are converted as runc does, which Kubernetes relies on.
//
//   v2_writes(resources, {})  →  {{"pids", "pids.max", "100"}, {"cpu", "cpu.max", "50000 100000"}, …}
//
// Zero means "not given" for memory, shares, quota, period and weights, because Docker and Kubernetes send zeros.
// -1 lifts a limit. pids.limit 0 is a limit of none.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "oci/linux.h"
#include "runtime/cgroup/plan.h"
#include "runtime/cgroup/writes.h"

namespace agentsafe::cgroup {

struct KnobOptions {
  bool bfq = false;  // the kernel has blkio.bfq.weight / io.bfq.weight here, and weights go there
};

// Everything but memory and devices (unified memory.* files count as memory). Throws Error for what this version of
// cgroups cannot enforce, and for values out of range that the kernel would change silently.
[[nodiscard]] std::vector<Write> v1_writes(const oci::Resources& resources, const KnobOptions& options);
[[nodiscard]] std::vector<Write> v2_writes(const oci::Resources& resources, const KnobOptions& options);
// Memory alone: it is limited last, when init has done its work.
[[nodiscard]] std::vector<Write> v1_memory_writes(const oci::Resources& resources);
[[nodiscard]] std::vector<Write> v2_memory_writes(const oci::Resources& resources);

// What is asked for and left out on purpose, as warnings: what version 2 has no counterpart for and engines still send.
// (Kernel memory limits are oci::warnings' business: no kernel has them.)
[[nodiscard]] std::vector<std::string> ignored_resources(const oci::Resources& resources, const CgroupPlan& plan);

// cpu.shares (2 to 262144, default 1024) as cpu.weight (1 to 10000, default 100).
[[nodiscard]] std::uint64_t weight_from_shares(std::uint64_t shares);
// blkio.weight (10 to 1000) as io.weight (1 to 10000).
[[nodiscard]] std::uint64_t io_weight_from_blkio(std::uint64_t weight);
// memory+swap, as version 1 and the specification count, as swap alone; empty: leave it. Throws for combinations that
// mean nothing.
[[nodiscard]] std::optional<std::string> swap_for_v2(const oci::Memory& memory);

// Throws when swap is below limit.
void check_memory(const oci::Memory& memory);

// Shared by both versions.
[[nodiscard]] std::string device_key(std::int64_t major, std::int64_t minor);  // "8:0"
void append_pids(std::vector<Write>& writes, const oci::Resources& resources);
void append_cpuset(std::vector<Write>& writes, const oci::Cpu& cpu);
void append_rdma(std::vector<Write>& writes, const oci::Resources& resources);
// suffixes: ".rsvd.max" and ".max", or those of version 1.
void append_hugetlb(std::vector<Write>& writes, const oci::Resources& resources, const std::string& reservation_suffix,
                    const std::string& suffix);

}  // namespace agentsafe::cgroup
