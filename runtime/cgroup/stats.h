// What `events` reports of a container's resources, in the words and units of runc's JSON: bytes, nanoseconds, and 0 or
// nothing for what this kernel does not count. As JSON: stats_json.h.
// Source: Documentation/admin-guide/cgroup-v1/*.rst, cgroup-v2.rst, accounting/psi.rst.
//
//   Stats stats = cgroup->stats();
//   stats.memory.usage.usage      // bytes in use now
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "oci/json_value.h"

namespace agentsafe::cgroup {

class Directory;

struct PressureLine {  // percent of time, and total microseconds
  json::Decimal avg10;
  json::Decimal avg60;
  json::Decimal avg300;
  std::uint64_t total = 0;
};
struct Pressure {
  std::optional<PressureLine> some;
  std::optional<PressureLine> full;
};

struct CpuUsage {
  std::uint64_t total = 0;
  std::vector<std::uint64_t> percpu;  // version 1 only, as the next two
  std::vector<std::uint64_t> percpu_kernel;
  std::vector<std::uint64_t> percpu_user;
  std::uint64_t kernel = 0;
  std::uint64_t user = 0;
};
struct Throttling {
  std::uint64_t periods = 0;
  std::uint64_t throttled_periods = 0;
  std::uint64_t throttled_time = 0;
};
struct CpuStats {
  CpuUsage usage;
  Throttling throttling;
  std::optional<Pressure> psi;
};

struct CpusetStats {
  std::vector<std::uint32_t> cpus;
  std::uint64_t cpu_exclusive = 0;  // from here on version 1 only
  std::vector<std::uint32_t> mems;
  std::uint64_t mem_hardwall = 0;
  std::uint64_t mem_exclusive = 0;
  std::uint64_t memory_migrate = 0;
  std::uint64_t memory_spread_page = 0;
  std::uint64_t memory_spread_slab = 0;
  std::uint64_t memory_pressure = 0;
  std::uint64_t sched_load_balance = 0;
  std::int64_t sched_relax_domain_level = 0;
};

struct MemoryEntry {
  std::uint64_t limit = 0;  // 2⁶⁴-1 when there is none (version 2)
  std::uint64_t usage = 0;
  std::uint64_t max = 0;  // the most there has been
  std::uint64_t failcnt = 0;
};
struct MemoryStats {
  std::uint64_t cache = 0;
  MemoryEntry usage;
  MemoryEntry swap;  // memory and swap together, on both versions
  MemoryEntry kernel;
  MemoryEntry kernel_tcp;
  std::map<std::string, std::uint64_t> raw;  // memory.stat
  std::optional<Pressure> psi;
};

struct PidsStats {
  std::uint64_t current = 0;
  std::uint64_t limit = 0;  // 0: none
};

struct BlkioEntry {
  std::uint64_t major = 0;
  std::uint64_t minor = 0;
  std::string op;  // Read, Write, Discard … or empty
  std::uint64_t value = 0;
};
struct BlkioStats {
  std::vector<BlkioEntry> service_bytes;
  std::vector<BlkioEntry> serviced;
  std::vector<BlkioEntry> queued;
  std::vector<BlkioEntry> service_time;
  std::vector<BlkioEntry> wait_time;
  std::vector<BlkioEntry> merged;
  std::vector<BlkioEntry> time;
  std::vector<BlkioEntry> sectors;
  std::optional<Pressure> psi;
};

struct HugetlbStats {
  std::uint64_t usage = 0;
  std::uint64_t max = 0;
  std::uint64_t failcnt = 0;
};

struct L3CacheInfo {
  std::string cbm_mask;
  std::uint64_t min_cbm_bits = 0;
  std::uint64_t num_closids = 0;
};
struct MemoryBandwidthInfo {
  std::uint64_t bandwidth_gran = 0;
  std::uint64_t delay_linear = 0;
  std::uint64_t min_bandwidth = 0;
  std::uint64_t num_closids = 0;
};
struct BandwidthNode {  // per cache domain
  std::uint64_t total_bytes = 0;
  std::uint64_t local_bytes = 0;
};
struct CacheNode {
  std::uint64_t llc_occupancy = 0;
};
struct IntelRdtStats {  // filled in by resctrl.h; all empty for a container without intelRdt
  std::optional<L3CacheInfo> l3_cache_info;
  std::string l3_cache_schema_root;
  std::string l3_cache_schema;
  std::optional<MemoryBandwidthInfo> mem_bw_info;
  std::string mem_bw_schema_root;
  std::string mem_bw_schema;
  std::vector<std::string> schemata;
  std::vector<BandwidthNode> mbm_stats;
  std::vector<CacheNode> cmt_stats;
};

struct Stats {
  CpuStats cpu;
  CpusetStats cpuset;
  MemoryStats memory;
  PidsStats pids;
  BlkioStats blkio;
  std::map<std::string, HugetlbStats> hugetlb;  // by page size: "2MB"
  IntelRdtStats intel_rdt;
  std::optional<bool> network_interfaces;  // never there: the devices inside are not the runtime's. runc prints null
};

// Fills in what one directory of a version 1 hierarchy counts (its controllers decide), and all of version 2.
void add_v1_stats(Directory& directory, Stats& stats);
[[nodiscard]] Stats v2_stats(Directory& directory);

// The parsers, pure. Lines they do not understand are left out.
[[nodiscard]] std::map<std::string, std::uint64_t> parse_counters(std::string_view text);  // "name N" lines
[[nodiscard]] Pressure parse_pressure(std::string_view text);
[[nodiscard]] std::vector<std::uint32_t> parse_cpu_list(std::string_view text);  // "0-2,5" → 0 1 2 5
[[nodiscard]] std::vector<BlkioEntry> parse_v1_blkio(std::string_view text);     // "8:0 Read 4096" lines
void parse_io_stat(std::string_view text, BlkioStats& blkio);                    // "8:0 rbytes=1 wbytes=2 …" lines
void parse_usage_all(std::string_view text, CpuUsage& usage);                    // cpuacct.usage_all

// Shared by both versions.
[[nodiscard]] std::uint64_t read_number(Directory& directory, const std::string& file);  // 0: absent; "max": 2⁶⁴-1
// "hugetlb.2MB.current" with suffix ".current" → {"2MB"}; reservations are left out.
[[nodiscard]] std::vector<std::string> huge_page_sizes(Directory& directory, std::string_view suffix);

}  // namespace agentsafe::cgroup
