#include "runtime/cgroup/knobs.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "runtime/base/error.h"

namespace agentsafe::cgroup {

std::uint64_t weight_from_shares(std::uint64_t shares) {
  constexpr std::uint64_t least_shares = 2;
  constexpr std::uint64_t most_shares = 262'144;
  if (shares <= least_shares) return 1;
  if (shares >= most_shares) return 10'000;
  // A quadratic through (2, 1), (1024, 100) and (262144, 10000) on logarithmic axes: kubernetes KEP-2254.
  const double l = std::log2(static_cast<double>(shares));
  return static_cast<std::uint64_t>(std::ceil(std::pow(10.0, (l * l + 125.0 * l) / 612.0 - 7.0 / 34.0)));
}

std::uint64_t io_weight_from_blkio(std::uint64_t weight) {
  const std::uint64_t within = std::clamp<std::uint64_t>(weight, 10, 1000);
  return 1 + (within - 10) * 9999 / 990;
}

void check_memory(const oci::Memory& memory) {
  const auto limit = memory.limit.value_or(0);
  const auto swap = memory.swap.value_or(0);
  if (limit > 0 && swap > 0 && swap < limit)
    fail("memory.swap (" + std::to_string(swap) + ") counts memory and swap together: it must be at least the memory " +
         "limit (" + std::to_string(limit) + ")");
}

std::optional<std::string> swap_for_v2(const oci::Memory& memory) {
  const auto limit = memory.limit.value_or(0);
  const auto swap = memory.swap.value_or(0);
  if (swap == -1 || (swap == 0 && limit == -1)) return "max";
  if (swap == 0) return std::nullopt;
  if (limit <= 0) fail("memory.swap counts memory and swap together: it needs a memory limit");
  check_memory(memory);
  return std::to_string(swap - limit);
}

std::vector<std::string> ignored_resources(const oci::Resources& resources, const CgroupPlan& plan) {
  std::vector<std::string> warnings;
  if (plan.none() || !plan.v1.empty()) return warnings;
  const auto ignore_if = [&](bool given, const char* property) {
    if (!given) return;
    warnings.push_back(std::string("linux.resources.") + property + " is ignored: cgroup version 2 cannot set it");
  };
  const auto& [memory, io, network] = std::tie(resources.memory, resources.blockIO, resources.network);
  ignore_if(memory && memory->swappiness && *memory->swappiness != UINT64_MAX, "memory.swappiness");
  ignore_if(io && io->leafWeight.value_or(0) != 0, "blockIO.leafWeight");
  ignore_if(network && network->classID.value_or(0) != 0, "network.classID");
  ignore_if(network && !network->priorities.empty(), "network.priorities");
  return warnings;
}

std::string device_key(std::int64_t major, std::int64_t minor) {
  return std::to_string(major) + ":" + std::to_string(minor);
}

void append_pids(std::vector<Write>& writes, const oci::Resources& resources) {
  if (!resources.pids || !resources.pids->limit) return;
  const auto limit = *resources.pids->limit;
  writes.push_back({.controller = "pids",
                    .file = "pids.max",
                    .value = limit < 0 ? "max" : std::to_string(limit),
                    .is_default = limit < 0,
                    .may_be_absent = limit < 0});
}

void append_cpuset(std::vector<Write>& writes, const oci::Cpu& cpu) {
  if (!cpu.cpus.empty()) writes.push_back({"cpuset", "cpuset.cpus", cpu.cpus});
  if (!cpu.mems.empty()) writes.push_back({"cpuset", "cpuset.mems", cpu.mems});
}

void append_rdma(std::vector<Write>& writes, const oci::Resources& resources) {
  for (const auto& [device, limits] : resources.rdma) {
    std::string value = device;
    if (limits.hcaHandles) value += " hca_handle=" + std::to_string(*limits.hcaHandles);
    if (limits.hcaObjects) value += " hca_object=" + std::to_string(*limits.hcaObjects);
    if (value != device)
      writes.push_back({"rdma", "rdma.max", value, device, device + " hca_handle=max hca_object=max"});
  }
}

void append_hugetlb(std::vector<Write>& writes, const oci::Resources& resources, const std::string& reservation_suffix,
                    const std::string& suffix) {
  for (const auto& page : resources.hugepageLimits) {
    const std::string name = "hugetlb." + page.pageSize;
    const std::string value = std::to_string(page.limit);
    // Reservations are limited too where the kernel can (Linux 5.7): a fault beyond the plain limit ends in SIGBUS.
    writes.push_back(
        {.controller = "hugetlb", .file = name + reservation_suffix, .value = value, .may_be_absent = true});
    writes.push_back({"hugetlb", name + suffix, value});
  }
}

}  // namespace agentsafe::cgroup
