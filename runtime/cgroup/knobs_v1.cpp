#include "runtime/base/error.h"
#include "runtime/cgroup/knobs.h"

namespace agentsafe::cgroup {
namespace {

void append_cpu(std::vector<Write>& writes, const oci::Cpu& cpu) {
  const auto add = [&](const char* file, const std::string& value, bool is_default = false,
                       bool may_be_absent = false) {
    writes.push_back(
        {.controller = "cpu", .file = file, .value = value, .is_default = is_default, .may_be_absent = may_be_absent});
  };
  if (const auto shares = cpu.shares.value_or(0); shares != 0) {
    // The kernel would clamp these in silence.
    if (shares < 2 || shares > 262'144)
      fail("cpu.shares " + std::to_string(shares) + " is out of range: the kernel takes 2 to 262144");
    add("cpu.shares", std::to_string(shares), shares == 1024);
  }
  if (const auto period = cpu.realtimePeriod.value_or(0); period != 0) add("cpu.rt_period_us", std::to_string(period));
  if (const auto runtime = cpu.realtimeRuntime.value_or(0); runtime != 0)
    add("cpu.rt_runtime_us", std::to_string(runtime));
  if (const auto period = cpu.period.value_or(0); period != 0)
    add("cpu.cfs_period_us", std::to_string(period), period == 100'000);
  if (const auto quota = cpu.quota.value_or(0); quota != 0)
    add("cpu.cfs_quota_us", std::to_string(quota < 0 ? -1 : quota), quota < 0, quota < 0);
  if (cpu.burst) add("cpu.cfs_burst_us", std::to_string(*cpu.burst), *cpu.burst == 0, *cpu.burst == 0);
  if (cpu.idle) add("cpu.idle", std::to_string(*cpu.idle), *cpu.idle == 0, *cpu.idle == 0);
}

void append_device_weights(std::vector<Write>& writes, const oci::BlockIO& io, const std::string& weight_file) {
  const auto add = [&](const std::string& file, const oci::WeightDevice& device, std::uint16_t weight) {
    const std::string key = device_key(device.major, device.minor);
    writes.push_back({"blkio", file, key + " " + std::to_string(weight), key, key + " 0"});
  };
  for (const auto& device : io.weightDevice) {
    if (device.weight.value_or(0) != 0) add(weight_file + "_device", device, *device.weight);
    if (device.leafWeight.value_or(0) != 0) add("blkio.leaf_weight_device", device, *device.leafWeight);
  }
}

void append_block_io(std::vector<Write>& writes, const oci::BlockIO& io, bool bfq) {
  const std::string weight_file = bfq ? "blkio.bfq.weight" : "blkio.weight";
  if (io.weight.value_or(0) != 0) writes.push_back({"blkio", weight_file, std::to_string(*io.weight)});
  if (io.leafWeight.value_or(0) != 0) writes.push_back({"blkio", "blkio.leaf_weight", std::to_string(*io.leafWeight)});
  append_device_weights(writes, io, weight_file);
  const auto throttle = [&](const char* file, const std::vector<oci::ThrottleDevice>& devices) {
    for (const auto& device : devices) {
      const std::string key = device_key(device.major, device.minor);
      writes.push_back({"blkio", file, key + " " + std::to_string(device.rate), key, key + " 0"});
    }
  };
  throttle("blkio.throttle.read_bps_device", io.throttleReadBpsDevice);
  throttle("blkio.throttle.write_bps_device", io.throttleWriteBpsDevice);
  throttle("blkio.throttle.read_iops_device", io.throttleReadIOPSDevice);
  throttle("blkio.throttle.write_iops_device", io.throttleWriteIOPSDevice);
}

void append_network(std::vector<Write>& writes, const oci::Network& network) {
  if (network.classID.value_or(0) != 0)
    writes.push_back({"net_cls", "net_cls.classid", std::to_string(*network.classID)});
  for (const auto& interface : network.priorities)
    writes.push_back({"net_prio", "net_prio.ifpriomap", interface.name + " " + std::to_string(interface.priority),
                      interface.name, interface.name + " 0"});
}

}  // namespace

std::vector<Write> v1_writes(const oci::Resources& resources, const KnobOptions& options) {
  if (!resources.unified.empty())
    fail("linux.resources.unified (" + resources.unified.begin()->first +
         ") needs the unified hierarchy: this host's controllers are on cgroup version 1");
  std::vector<Write> writes;
  if (resources.cpu) {
    append_cpuset(writes, *resources.cpu);
    append_cpu(writes, *resources.cpu);
  }
  append_pids(writes, resources);
  if (resources.blockIO) append_block_io(writes, *resources.blockIO, options.bfq);
  append_hugetlb(writes, resources, ".rsvd.limit_in_bytes", ".limit_in_bytes");
  if (resources.network) append_network(writes, *resources.network);
  append_rdma(writes, resources);
  return writes;
}

std::vector<Write> v1_memory_writes(const oci::Resources& resources) {
  std::vector<Write> writes;
  if (!resources.memory) return writes;
  const oci::Memory& memory = *resources.memory;
  check_memory(memory);
  const auto add = [&](const char* file, std::int64_t value, bool is_default = false, bool may_be_absent = false) {
    writes.push_back({.controller = "memory",
                      .file = file,
                      .value = std::to_string(value),
                      .is_default = is_default,
                      .may_be_absent = may_be_absent});
  };
  const auto limit = memory.limit.value_or(0);
  auto swap = memory.swap.value_or(0);
  if (limit == -1 && swap == 0) swap = -1;  // no limit on memory alone means none on both together
  if (memory.useHierarchy.value_or(false))  // always so since Linux 5.11, and there is no way back
    writes.push_back({.controller = "memory", .file = "memory.use_hierarchy", .value = "1", .may_be_absent = true});
  if (limit != 0) add("memory.limit_in_bytes", limit, limit < 0);
  if (swap != 0) add("memory.memsw.limit_in_bytes", swap, swap < 0, swap < 0);
  if (const auto reservation = memory.reservation.value_or(0); reservation != 0)
    add("memory.soft_limit_in_bytes", reservation, reservation < 0);
  if (memory.swappiness && *memory.swappiness != UINT64_MAX) {  // -1 in Docker's words: not given
    if (*memory.swappiness > 100)
      fail("memory.swappiness " + std::to_string(*memory.swappiness) + " is out of range: 0 to 100");
    add("memory.swappiness", static_cast<std::int64_t>(*memory.swappiness));
  }
  if (memory.disableOOMKiller.value_or(false))
    writes.push_back({"memory", "memory.oom_control", "1", "oom_kill_disable"});
  return writes;
}

}  // namespace agentsafe::cgroup
