// The field tables of linux.h.
#pragma once
#include "oci/json.h"
#include "oci/linux.h"

namespace agentsafe::json {
using namespace agentsafe::oci;

template <>
inline constexpr auto fields<IdMapping> =
    std::tuple{required("containerID", &IdMapping::containerID), required("hostID", &IdMapping::hostID),
               required("size", &IdMapping::size)};
template <>
inline constexpr auto fields<Namespace> =
    std::tuple{required("type", &Namespace::type), optional("path", &Namespace::path)};
template <>
inline constexpr auto fields<TimeOffset> =
    std::tuple{optional("secs", &TimeOffset::secs), optional("nanosecs", &TimeOffset::nanosecs)};
template <>
inline constexpr auto fields<Device> =
    std::tuple{required("type", &Device::type),   required("path", &Device::path),
               optional("major", &Device::major), optional("minor", &Device::minor),
               optional("fileMode", &Device::fileMode), optional("uid", &Device::uid), optional("gid", &Device::gid)};
template <>
inline constexpr auto fields<NetDevice> = std::tuple{optional("name", &NetDevice::name)};
template <>
inline constexpr auto fields<DeviceCgroup> =
    std::tuple{required("allow", &DeviceCgroup::allow), optional("type", &DeviceCgroup::type),
               optional("major", &DeviceCgroup::major), optional("minor", &DeviceCgroup::minor),
               optional("access", &DeviceCgroup::access)};
template <>
inline constexpr auto fields<Memory> =
    std::tuple{optional("limit", &Memory::limit),
               optional("reservation", &Memory::reservation),
               optional("swap", &Memory::swap),
               optional("kernel", &Memory::kernel),
               optional("kernelTCP", &Memory::kernelTCP),
               optional("swappiness", &Memory::swappiness),
               optional("disableOOMKiller", &Memory::disableOOMKiller),
               optional("useHierarchy", &Memory::useHierarchy),
               optional("checkBeforeUpdate", &Memory::checkBeforeUpdate)};
template <>
inline constexpr auto fields<Cpu> = std::tuple{optional("shares", &Cpu::shares),
                                               optional("quota", &Cpu::quota),
                                               optional("burst", &Cpu::burst),
                                               optional("period", &Cpu::period),
                                               optional("realtimeRuntime", &Cpu::realtimeRuntime),
                                               optional("realtimePeriod", &Cpu::realtimePeriod),
                                               optional("cpus", &Cpu::cpus),
                                               optional("mems", &Cpu::mems),
                                               optional("idle", &Cpu::idle)};
template <>
inline constexpr auto fields<Pids> = std::tuple{optional("limit", &Pids::limit)};
template <>
inline constexpr auto fields<WeightDevice> =
    std::tuple{required("major", &WeightDevice::major), required("minor", &WeightDevice::minor),
               optional("weight", &WeightDevice::weight), optional("leafWeight", &WeightDevice::leafWeight)};
template <>
inline constexpr auto fields<ThrottleDevice> =
    std::tuple{required("major", &ThrottleDevice::major), required("minor", &ThrottleDevice::minor),
               required("rate", &ThrottleDevice::rate)};
template <>
inline constexpr auto fields<BlockIO> =
    std::tuple{optional("weight", &BlockIO::weight),
               optional("leafWeight", &BlockIO::leafWeight),
               optional("weightDevice", &BlockIO::weightDevice),
               optional("throttleReadBpsDevice", &BlockIO::throttleReadBpsDevice),
               optional("throttleWriteBpsDevice", &BlockIO::throttleWriteBpsDevice),
               optional("throttleReadIOPSDevice", &BlockIO::throttleReadIOPSDevice),
               optional("throttleWriteIOPSDevice", &BlockIO::throttleWriteIOPSDevice)};
template <>
inline constexpr auto fields<HugepageLimit> =
    std::tuple{required("pageSize", &HugepageLimit::pageSize), required("limit", &HugepageLimit::limit)};
template <>
inline constexpr auto fields<InterfacePriority> =
    std::tuple{required("name", &InterfacePriority::name), required("priority", &InterfacePriority::priority)};
template <>
inline constexpr auto fields<Network> =
    std::tuple{optional("classID", &Network::classID), optional("priorities", &Network::priorities)};
template <>
inline constexpr auto fields<Rdma> =
    std::tuple{optional("hcaHandles", &Rdma::hcaHandles), optional("hcaObjects", &Rdma::hcaObjects)};
template <>
inline constexpr auto fields<Resources> =
    std::tuple{optional("devices", &Resources::devices),   optional("memory", &Resources::memory),
               optional("cpu", &Resources::cpu),           optional("pids", &Resources::pids),
               optional("blockIO", &Resources::blockIO),   optional("hugepageLimits", &Resources::hugepageLimits),
               optional("network", &Resources::network),   optional("rdma", &Resources::rdma),
               optional("unified", &Resources::unified)};
template <>
inline constexpr auto fields<SeccompArg> =
    std::tuple{required("index", &SeccompArg::index), required("value", &SeccompArg::value),
               optional("valueTwo", &SeccompArg::valueTwo), required("op", &SeccompArg::op)};
template <>
inline constexpr auto fields<SeccompSyscall> =
    std::tuple{required("names", &SeccompSyscall::names), required("action", &SeccompSyscall::action),
               optional("errnoRet", &SeccompSyscall::errnoRet), optional("args", &SeccompSyscall::args)};
template <>
inline constexpr auto fields<Seccomp> =
    std::tuple{required("defaultAction", &Seccomp::defaultAction),
               optional("defaultErrnoRet", &Seccomp::defaultErrnoRet),
               optional("architectures", &Seccomp::architectures),
               optional("flags", &Seccomp::flags),
               optional("listenerPath", &Seccomp::listenerPath),
               optional("listenerMetadata", &Seccomp::listenerMetadata),
               optional("syscalls", &Seccomp::syscalls)};
template <>
inline constexpr auto fields<IntelRdt> =
    std::tuple{optional("closID", &IntelRdt::closID), optional("schemata", &IntelRdt::schemata),
               optional("l3CacheSchema", &IntelRdt::l3CacheSchema), optional("memBwSchema", &IntelRdt::memBwSchema),
               optional("enableMonitoring", &IntelRdt::enableMonitoring)};
template <>
inline constexpr auto fields<MemoryPolicy> =
    std::tuple{required("mode", &MemoryPolicy::mode), optional("nodes", &MemoryPolicy::nodes),
               optional("flags", &MemoryPolicy::flags)};
template <>
inline constexpr auto fields<Personality> =
    std::tuple{required("domain", &Personality::domain), optional("flags", &Personality::flags)};
template <>
inline constexpr auto fields<Linux> =
    std::tuple{optional("uidMappings", &Linux::uidMappings),
               optional("gidMappings", &Linux::gidMappings),
               optional("sysctl", &Linux::sysctl),
               optional("resources", &Linux::resources),
               optional("cgroupsPath", &Linux::cgroupsPath),
               optional("namespaces", &Linux::namespaces),
               optional("devices", &Linux::devices),
               optional("netDevices", &Linux::netDevices),
               optional("seccomp", &Linux::seccomp),
               optional("rootfsPropagation", &Linux::rootfsPropagation),
               optional("maskedPaths", &Linux::maskedPaths),
               optional("readonlyPaths", &Linux::readonlyPaths),
               optional("mountLabel", &Linux::mountLabel),
               optional("intelRdt", &Linux::intelRdt),
               optional("memoryPolicy", &Linux::memoryPolicy),
               optional("personality", &Linux::personality),
               optional("timeOffsets", &Linux::timeOffsets)};
}  // namespace agentsafe::json
