// The field tables of stats.h: the "data" of an event of type "stats", member for member as runc prints it.
#pragma once
#include "oci/json.h"
#include "runtime/cgroup/stats.h"

namespace agentsafe::json {

template <>
inline constexpr auto fields<cgroup::PressureLine> =
    std::tuple{required("avg10", &cgroup::PressureLine::avg10), required("avg60", &cgroup::PressureLine::avg60),
               required("avg300", &cgroup::PressureLine::avg300), required("total", &cgroup::PressureLine::total)};
template <>
inline constexpr auto fields<cgroup::Pressure> =
    std::tuple{optional("some", &cgroup::Pressure::some), optional("full", &cgroup::Pressure::full)};

template <>
inline constexpr auto fields<cgroup::CpuUsage> = std::tuple{required("total", &cgroup::CpuUsage::total),
                                                            optional("percpu", &cgroup::CpuUsage::percpu),
                                                            optional("percpu_kernel", &cgroup::CpuUsage::percpu_kernel),
                                                            optional("percpu_user", &cgroup::CpuUsage::percpu_user),
                                                            required("kernel", &cgroup::CpuUsage::kernel),
                                                            required("user", &cgroup::CpuUsage::user)};
template <>
inline constexpr auto fields<cgroup::Throttling> =
    std::tuple{required("periods", &cgroup::Throttling::periods),
               required("throttledPeriods", &cgroup::Throttling::throttled_periods),
               required("throttledTime", &cgroup::Throttling::throttled_time)};
template <>
inline constexpr auto fields<cgroup::CpuStats> =
    std::tuple{required("usage", &cgroup::CpuStats::usage), required("throttling", &cgroup::CpuStats::throttling),
               optional("psi", &cgroup::CpuStats::psi)};

template <>
inline constexpr auto fields<cgroup::CpusetStats> =
    std::tuple{optional("cpus", &cgroup::CpusetStats::cpus),
               required("cpu_exclusive", &cgroup::CpusetStats::cpu_exclusive),
               optional("mems", &cgroup::CpusetStats::mems),
               required("mem_hardwall", &cgroup::CpusetStats::mem_hardwall),
               required("mem_exclusive", &cgroup::CpusetStats::mem_exclusive),
               required("memory_migrate", &cgroup::CpusetStats::memory_migrate),
               required("memory_spread_page", &cgroup::CpusetStats::memory_spread_page),
               required("memory_spread_slab", &cgroup::CpusetStats::memory_spread_slab),
               required("memory_pressure", &cgroup::CpusetStats::memory_pressure),
               required("sched_load_balance", &cgroup::CpusetStats::sched_load_balance),
               required("sched_relax_domain_level", &cgroup::CpusetStats::sched_relax_domain_level)};

template <>
inline constexpr auto fields<cgroup::MemoryEntry> =
    std::tuple{required("limit", &cgroup::MemoryEntry::limit), required("usage", &cgroup::MemoryEntry::usage),
               required("max", &cgroup::MemoryEntry::max), required("failcnt", &cgroup::MemoryEntry::failcnt)};
template <>
inline constexpr auto fields<cgroup::MemoryStats> = std::tuple{required("cache", &cgroup::MemoryStats::cache),
                                                               required("usage", &cgroup::MemoryStats::usage),
                                                               required("swap", &cgroup::MemoryStats::swap),
                                                               required("kernel", &cgroup::MemoryStats::kernel),
                                                               required("kernelTCP", &cgroup::MemoryStats::kernel_tcp),
                                                               optional("raw", &cgroup::MemoryStats::raw),
                                                               optional("psi", &cgroup::MemoryStats::psi)};

template <>
inline constexpr auto fields<cgroup::PidsStats> =
    std::tuple{required("current", &cgroup::PidsStats::current), required("limit", &cgroup::PidsStats::limit)};

template <>
inline constexpr auto fields<cgroup::BlkioEntry> =
    std::tuple{required("major", &cgroup::BlkioEntry::major), required("minor", &cgroup::BlkioEntry::minor),
               optional("op", &cgroup::BlkioEntry::op), required("value", &cgroup::BlkioEntry::value)};
template <>
inline constexpr auto fields<cgroup::BlkioStats> =
    std::tuple{optional("ioServiceBytesRecursive", &cgroup::BlkioStats::service_bytes),
               optional("ioServicedRecursive", &cgroup::BlkioStats::serviced),
               optional("ioQueueRecursive", &cgroup::BlkioStats::queued),
               optional("ioServiceTimeRecursive", &cgroup::BlkioStats::service_time),
               optional("ioWaitTimeRecursive", &cgroup::BlkioStats::wait_time),
               optional("ioMergedRecursive", &cgroup::BlkioStats::merged),
               optional("ioTimeRecursive", &cgroup::BlkioStats::time),
               optional("sectorsRecursive", &cgroup::BlkioStats::sectors),
               optional("psi", &cgroup::BlkioStats::psi)};

template <>
inline constexpr auto fields<cgroup::HugetlbStats> =
    std::tuple{required("usage", &cgroup::HugetlbStats::usage), required("max", &cgroup::HugetlbStats::max),
               required("failcnt", &cgroup::HugetlbStats::failcnt)};

template <>
inline constexpr auto fields<cgroup::L3CacheInfo> = std::tuple{
    optional("cbm_mask", &cgroup::L3CacheInfo::cbm_mask), required("min_cbm_bits", &cgroup::L3CacheInfo::min_cbm_bits),
    required("num_closids", &cgroup::L3CacheInfo::num_closids)};
template <>
inline constexpr auto fields<cgroup::MemoryBandwidthInfo> =
    std::tuple{required("bandwidth_gran", &cgroup::MemoryBandwidthInfo::bandwidth_gran),
               required("delay_linear", &cgroup::MemoryBandwidthInfo::delay_linear),
               required("min_bandwidth", &cgroup::MemoryBandwidthInfo::min_bandwidth),
               required("num_closids", &cgroup::MemoryBandwidthInfo::num_closids)};
template <>
inline constexpr auto fields<cgroup::BandwidthNode> =
    std::tuple{required("mbm_total_bytes", &cgroup::BandwidthNode::total_bytes),
               required("mbm_local_bytes", &cgroup::BandwidthNode::local_bytes)};
template <>
inline constexpr auto fields<cgroup::CacheNode> =
    std::tuple{required("llc_occupancy", &cgroup::CacheNode::llc_occupancy)};
template <>
inline constexpr auto fields<cgroup::IntelRdtStats> =
    std::tuple{optional("l3_cache_info", &cgroup::IntelRdtStats::l3_cache_info),
               optional("l3_cache_schema_root", &cgroup::IntelRdtStats::l3_cache_schema_root),
               optional("l3_cache_schema", &cgroup::IntelRdtStats::l3_cache_schema),
               optional("mem_bw_info", &cgroup::IntelRdtStats::mem_bw_info),
               optional("mem_bw_schema_root", &cgroup::IntelRdtStats::mem_bw_schema_root),
               optional("mem_bw_schema", &cgroup::IntelRdtStats::mem_bw_schema),
               optional("schemata", &cgroup::IntelRdtStats::schemata),
               optional("mbm_stats", &cgroup::IntelRdtStats::mbm_stats),
               optional("cmt_stats", &cgroup::IntelRdtStats::cmt_stats)};

template <>
inline constexpr auto fields<cgroup::Stats> = std::tuple{required("cpu", &cgroup::Stats::cpu),
                                                         required("cpuset", &cgroup::Stats::cpuset),
                                                         required("memory", &cgroup::Stats::memory),
                                                         required("pids", &cgroup::Stats::pids),
                                                         required("blkio", &cgroup::Stats::blkio),
                                                         required("hugetlb", &cgroup::Stats::hugetlb),
                                                         required("intel_rdt", &cgroup::Stats::intel_rdt),
                                                         required("network_interfaces",
                                                                  &cgroup::Stats::network_interfaces)};

}  // namespace agentsafe::json
