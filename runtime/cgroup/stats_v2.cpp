#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/cgroup/directory.h"
#include "runtime/cgroup/stats.h"

namespace agentsafe::cgroup {
namespace {

std::optional<Pressure> read_pressure(Directory& directory, const std::string& file) {
  try {
    if (const auto content = directory.try_read(file)) return parse_pressure(*content);
  } catch (const Error& error) {
    if (error.error_number() != EOPNOTSUPP) throw;  // the kernel was booted with psi=0
  }
  return std::nullopt;
}

CpuStats cpu_stats(Directory& directory) {
  constexpr std::uint64_t ns_per_us = 1000;
  auto counters = parse_counters(directory.try_read("cpu.stat").value_or(""));
  CpuStats cpu;
  cpu.usage.total = counters["usage_usec"] * ns_per_us;
  cpu.usage.user = counters["user_usec"] * ns_per_us;
  cpu.usage.kernel = counters["system_usec"] * ns_per_us;
  cpu.throttling = {counters["nr_periods"], counters["nr_throttled"], counters["throttled_usec"] * ns_per_us};
  cpu.psi = read_pressure(directory, "cpu.pressure");
  return cpu;
}

std::uint64_t sum_of_limits(std::uint64_t a, std::uint64_t b) {
  return a == UINT64_MAX || b == UINT64_MAX ? UINT64_MAX : a + b;
}

MemoryStats memory_stats(Directory& directory) {
  MemoryStats memory;
  memory.raw = parse_counters(directory.try_read("memory.stat").value_or(""));
  if (const auto file = memory.raw.find("file"); file != memory.raw.end()) memory.cache = file->second;
  auto events = parse_counters(directory.try_read("memory.events").value_or(""));
  memory.usage = {read_number(directory, "memory.max"), read_number(directory, "memory.current"),
                  read_number(directory, "memory.peak"), events["max"]};
  // Version 1 counts memory and swap together, and readers of this JSON expect that.
  memory.swap = {sum_of_limits(memory.usage.limit, read_number(directory, "memory.swap.max")),
                 memory.usage.usage + read_number(directory, "memory.swap.current"), 0, 0};
  memory.psi = read_pressure(directory, "memory.pressure");
  return memory;
}

PidsStats pids_stats(Directory& directory) {
  const auto limit = read_number(directory, "pids.max");
  return {read_number(directory, "pids.current"), limit == UINT64_MAX ? 0 : limit};
}

std::map<std::string, HugetlbStats> hugetlb_stats(Directory& directory) {
  std::map<std::string, HugetlbStats> stats;
  for (const auto& size : huge_page_sizes(directory, ".current")) {
    const std::string name = "hugetlb." + size;
    auto events = parse_counters(directory.try_read(name + ".events").value_or(""));
    stats[size] = {read_number(directory, name + ".current"), 0, events["max"]};
  }
  return stats;
}

}  // namespace

Stats v2_stats(Directory& directory) {
  Stats stats;
  stats.cpu = cpu_stats(directory);
  stats.cpuset.cpus = parse_cpu_list(directory.try_read("cpuset.cpus.effective").value_or(""));
  stats.cpuset.mems = parse_cpu_list(directory.try_read("cpuset.mems.effective").value_or(""));
  stats.memory = memory_stats(directory);
  stats.pids = pids_stats(directory);
  parse_io_stat(directory.try_read("io.stat").value_or(""), stats.blkio);
  stats.blkio.psi = read_pressure(directory, "io.pressure");
  stats.hugetlb = hugetlb_stats(directory);
  return stats;
}

}  // namespace agentsafe::cgroup
