#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/cgroup/knobs.h"

namespace agentsafe::cgroup {
namespace {

constexpr const char* no_throttle = " rbps=max wbps=max riops=max wiops=max";

std::string limit_text(std::int64_t limit) { return limit < 0 ? "max" : std::to_string(limit); }

// "QUOTA PERIOD"; a quota alone keeps the period.
void append_bandwidth(std::vector<Write>& writes, const oci::Cpu& cpu) {
  const auto quota = cpu.quota.value_or(0);
  const auto period = cpu.period.value_or(0);
  if (quota != 0 || period != 0) {
    const std::string quota_text = quota > 0 ? std::to_string(quota) : "max";
    writes.push_back({.controller = "cpu",
                      .file = "cpu.max",
                      .value = period != 0 ? quota_text + " " + std::to_string(period) : quota_text,
                      .is_default = quota <= 0 && (period == 0 || period == 100'000),
                      .may_be_absent = quota <= 0});
  }
  if (cpu.burst)
    writes.push_back({.controller = "cpu",
                      .file = "cpu.max.burst",
                      .value = std::to_string(*cpu.burst),
                      .is_default = *cpu.burst == 0,
                      .may_be_absent = *cpu.burst == 0});
}

void append_cpu(std::vector<Write>& writes, const oci::Cpu& cpu) {
  if (cpu.realtimeRuntime.value_or(0) != 0 || cpu.realtimePeriod.value_or(0) != 0)
    fail("cpu.realtimeRuntime and cpu.realtimePeriod cannot be enforced: cgroup version 2 has no such limits");
  if (cpu.idle)
    writes.push_back({.controller = "cpu",
                      .file = "cpu.idle",
                      .value = std::to_string(*cpu.idle),
                      .is_default = *cpu.idle == 0,
                      .may_be_absent = *cpu.idle == 0});
  // An idle cgroup has no weight: the kernel refuses one.
  if (const auto shares = cpu.shares.value_or(0); shares != 0 && cpu.idle.value_or(0) == 0) {
    const auto weight = weight_from_shares(shares);
    writes.push_back(
        {.controller = "cpu", .file = "cpu.weight", .value = std::to_string(weight), .is_default = weight == 100});
  }
  append_bandwidth(writes, cpu);
}

void append_weights(std::vector<Write>& writes, const oci::BlockIO& io, bool bfq) {
  const char* file = bfq ? "io.bfq.weight" : "io.weight";
  const auto converted = [bfq](std::uint16_t weight) {
    return std::to_string(bfq ? weight : io_weight_from_blkio(weight));
  };
  if (io.weight.value_or(0) != 0)
    writes.push_back({"io", file, "default " + converted(*io.weight), "default", "default 100"});
  for (const auto& device : io.weightDevice) {
    if (device.weight.value_or(0) == 0) continue;
    const std::string key = device_key(device.major, device.minor);
    writes.push_back({"io", file, key + " " + converted(*device.weight), key, key + " default"});
  }
}

void append_block_io(std::vector<Write>& writes, const oci::BlockIO& io, bool bfq) {
  append_weights(writes, io, bfq);  // leafWeight has no counterpart: a version 2 leaf has no children to weigh against
  const auto throttle = [&](const char* limit, const std::vector<oci::ThrottleDevice>& devices) {
    for (const auto& device : devices) {
      const std::string key = device_key(device.major, device.minor);
      const std::string rate = device.rate == 0 ? "max" : std::to_string(device.rate);  // 0 lifts it, as on version 1
      writes.push_back({"io", "io.max", key + " " + limit + "=" + rate, key, key + no_throttle});
    }
  };
  throttle("rbps", io.throttleReadBpsDevice);
  throttle("wbps", io.throttleWriteBpsDevice);
  throttle("riops", io.throttleReadIOPSDevice);
  throttle("wiops", io.throttleWriteIOPSDevice);
}

// How to take a raw io line back: "8:0 rbps=1" in io.max.
void set_io_key(Write& write) {
  if (write.controller != "io") return;
  const auto space = write.value.find(' ');
  if (space == std::string::npos) return;
  write.key = write.value.substr(0, space);
  write.reset = write.key + (write.file == "io.max" ? no_throttle : " default");
}

// Those of the memory controller, or all others.
void append_unified(std::vector<Write>& writes, const oci::Resources& resources, bool memory) {
  for (const auto& [file, content] : resources.unified) {
    const auto dot = file.find('.');
    if (dot == 0 || dot == std::string::npos || file.find('/') != std::string::npos)
      fail("linux.resources.unified: \"" + text::escaped(file) +
           "\" is not the name of a cgroup file (controller.name)");
    if (file.starts_with("memory.") != memory) continue;
    for (const auto line : text::lines(content)) {  // the kernel takes one line per write
      Write write{file.substr(0, dot), file, std::string(line)};
      set_io_key(write);
      writes.push_back(std::move(write));
    }
  }
}

void append_memory(std::vector<Write>& writes, const oci::Memory& memory) {
  if (memory.disableOOMKiller.value_or(false))
    fail("memory.disableOOMKiller cannot be enforced: cgroup version 2 has no such setting");
  // Swap first: a lower memory limit then has room to push pages out instead of killing.
  if (const auto swap = swap_for_v2(memory))
    writes.push_back({.controller = "memory",
                      .file = "memory.swap.max",
                      .value = *swap,
                      .is_default = *swap == "max",
                      .may_be_absent = *swap == "max" || *swap == "0"});  // a kernel without swap has no file
  if (const auto limit = memory.limit.value_or(0); limit != 0)
    writes.push_back({.controller = "memory",
                      .file = "memory.max",
                      .value = limit_text(limit),
                      .is_default = limit < 0,
                      .may_be_absent = limit < 0});
  if (const auto reservation = memory.reservation.value_or(0); reservation != 0)
    writes.push_back({"memory", "memory.low", limit_text(reservation)});
}

}  // namespace

std::vector<Write> v2_writes(const oci::Resources& resources, const KnobOptions& options) {
  std::vector<Write> writes;
  if (resources.cpu) {
    append_cpuset(writes, *resources.cpu);
    append_cpu(writes, *resources.cpu);
  }
  append_pids(writes, resources);
  if (resources.blockIO) append_block_io(writes, *resources.blockIO, options.bfq);
  append_hugetlb(writes, resources, ".rsvd.max", ".max");
  append_rdma(writes, resources);
  append_unified(writes, resources, false);
  return writes;
}

std::vector<Write> v2_memory_writes(const oci::Resources& resources) {
  std::vector<Write> writes;
  if (resources.memory) append_memory(writes, *resources.memory);
  append_unified(writes, resources, true);
  return writes;
}

}  // namespace agentsafe::cgroup
