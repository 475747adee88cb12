#include <sys/auxv.h>

#include "runtime/base/text.h"
#include "runtime/cgroup/directory.h"
#include "runtime/cgroup/stats.h"

namespace agentsafe::cgroup {
namespace {

void add_cpuacct(Directory& directory, Stats& stats) {
  auto& usage = stats.cpu.usage;
  usage.total = read_number(directory, "cpuacct.usage");
  const auto percpu = directory.try_read("cpuacct.usage_percpu").value_or("");
  for (const auto word : text::words(percpu)) usage.percpu.push_back(text::parse<std::uint64_t>(word).value_or(0));
  parse_usage_all(directory.try_read("cpuacct.usage_all").value_or(""), usage);
  const std::uint64_t tick_ns = 1'000'000'000ULL / ::getauxval(AT_CLKTCK);
  auto ticks = parse_counters(directory.try_read("cpuacct.stat").value_or(""));
  usage.user = ticks["user"] * tick_ns;
  usage.kernel = ticks["system"] * tick_ns;
}

void add_cpu(Directory& directory, Stats& stats) {
  auto counters = parse_counters(directory.try_read("cpu.stat").value_or(""));
  stats.cpu.throttling = {counters["nr_periods"], counters["nr_throttled"], counters["throttled_time"]};
}

void add_cpuset(Directory& directory, Stats& stats) {
  auto& cpuset = stats.cpuset;
  cpuset.cpus = parse_cpu_list(directory.try_read("cpuset.cpus").value_or(""));
  cpuset.mems = parse_cpu_list(directory.try_read("cpuset.mems").value_or(""));
  cpuset.cpu_exclusive = read_number(directory, "cpuset.cpu_exclusive");
  cpuset.mem_hardwall = read_number(directory, "cpuset.mem_hardwall");
  cpuset.mem_exclusive = read_number(directory, "cpuset.mem_exclusive");
  cpuset.memory_migrate = read_number(directory, "cpuset.memory_migrate");
  cpuset.memory_spread_page = read_number(directory, "cpuset.memory_spread_page");
  cpuset.memory_spread_slab = read_number(directory, "cpuset.memory_spread_slab");
  cpuset.memory_pressure = read_number(directory, "cpuset.memory_pressure");
  cpuset.sched_load_balance = read_number(directory, "cpuset.sched_load_balance");
  const auto level = directory.try_read("cpuset.sched_relax_domain_level").value_or("0");
  cpuset.sched_relax_domain_level = text::parse<std::int64_t>(text::trim(level)).value_or(0);
}

MemoryEntry memory_entry(Directory& directory, const std::string& name) {
  return {read_number(directory, name + ".limit_in_bytes"), read_number(directory, name + ".usage_in_bytes"),
          read_number(directory, name + ".max_usage_in_bytes"), read_number(directory, name + ".failcnt")};
}

void add_memory(Directory& directory, Stats& stats) {
  auto& memory = stats.memory;
  memory.raw = parse_counters(directory.try_read("memory.stat").value_or(""));
  if (const auto cache = memory.raw.find("cache"); cache != memory.raw.end()) memory.cache = cache->second;
  memory.usage = memory_entry(directory, "memory");
  memory.swap = memory_entry(directory, "memory.memsw");
  memory.kernel = memory_entry(directory, "memory.kmem");
  memory.kernel_tcp = memory_entry(directory, "memory.kmem.tcp");
}

void add_pids(Directory& directory, Stats& stats) {
  stats.pids.current = read_number(directory, "pids.current");
  const auto limit = read_number(directory, "pids.max");
  stats.pids.limit = limit == UINT64_MAX ? 0 : limit;
}

// The first of the files that has an entry.
std::vector<BlkioEntry> blkio_entries(Directory& directory, std::initializer_list<const char*> files) {
  for (const auto* file : files) {
    auto entries = parse_v1_blkio(directory.try_read(file).value_or(""));
    if (!entries.empty()) return entries;
  }
  return {};
}

void add_blkio(Directory& directory, Stats& stats) {
  auto& blkio = stats.blkio;
  blkio.service_bytes =
      blkio_entries(directory, {"blkio.bfq.io_service_bytes_recursive", "blkio.throttle.io_service_bytes_recursive",
                                "blkio.throttle.io_service_bytes"});
  blkio.serviced = blkio_entries(directory, {"blkio.bfq.io_serviced_recursive", "blkio.throttle.io_serviced_recursive",
                                             "blkio.throttle.io_serviced"});
  blkio.queued = blkio_entries(directory, {"blkio.bfq.io_queued_recursive"});
  blkio.service_time = blkio_entries(directory, {"blkio.bfq.io_service_time_recursive"});
  blkio.wait_time = blkio_entries(directory, {"blkio.bfq.io_wait_time_recursive"});
  blkio.merged = blkio_entries(directory, {"blkio.bfq.io_merged_recursive"});
  blkio.time = blkio_entries(directory, {"blkio.bfq.time_recursive"});
  blkio.sectors = blkio_entries(directory, {"blkio.bfq.sectors_recursive"});
}

void add_hugetlb(Directory& directory, Stats& stats) {
  for (const auto& size : huge_page_sizes(directory, ".usage_in_bytes")) {
    const std::string name = "hugetlb." + size;
    stats.hugetlb[size] = {read_number(directory, name + ".usage_in_bytes"),
                           read_number(directory, name + ".max_usage_in_bytes"),
                           read_number(directory, name + ".failcnt")};
  }
}

}  // namespace

void add_v1_stats(Directory& directory, Stats& stats) {
  struct Part {
    const char* controller;
    void (*add)(Directory&, Stats&);
  };
  constexpr Part parts[] = {{"cpuacct", add_cpuacct}, {"cpu", add_cpu},   {"cpuset", add_cpuset},
                            {"memory", add_memory},   {"pids", add_pids}, {"blkio", add_blkio},
                            {"hugetlb", add_hugetlb}};
  for (const auto& part : parts)
    if (directory.has_controller(part.controller)) part.add(directory, stats);
}

}  // namespace agentsafe::cgroup
