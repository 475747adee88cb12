// The Linux part of an OCI config.json as values, in the order of the specification, with its names.
// Source: runtime-spec 1.3, config-linux.md. An absent property is an empty optional, vector or map.
// Words of the specification (namespace types, actions, cgroup words) stay strings here; validate.h checks them.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace agentsafe::oci {

struct IdMapping {  // #user-namespace-mappings
  std::uint32_t containerID = 0;
  std::uint32_t hostID = 0;
  std::uint32_t size = 0;
};

struct Namespace {  // #namespaces
  std::string type;  // pid network mount ipc uts user cgroup time
  std::string path;  // empty: create a new one
};

struct TimeOffset {  // #offset-for-time-namespace
  std::int64_t secs = 0;
  std::uint32_t nanosecs = 0;
};

struct Device {  // #devices
  std::string type;  // c b u p
  std::string path;
  std::int64_t major = 0;
  std::int64_t minor = 0;
  std::optional<std::uint32_t> fileMode;
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
};

struct NetDevice {  // #network-devices
  std::string name;
};

struct DeviceCgroup {  // #allowed-device-list
  bool allow = false;
  std::string type;  // a c b, empty means a
  std::optional<std::int64_t> major;
  std::optional<std::int64_t> minor;
  std::string access;  // of r w m
};

struct Memory {  // #memory
  std::optional<std::int64_t> limit;
  std::optional<std::int64_t> reservation;
  std::optional<std::int64_t> swap;
  std::optional<std::int64_t> kernel;
  std::optional<std::int64_t> kernelTCP;
  std::optional<std::uint64_t> swappiness;
  std::optional<bool> disableOOMKiller;
  std::optional<bool> useHierarchy;
  std::optional<bool> checkBeforeUpdate;
};

struct Cpu {  // #cpu
  std::optional<std::uint64_t> shares;
  std::optional<std::int64_t> quota;
  std::optional<std::uint64_t> burst;
  std::optional<std::uint64_t> period;
  std::optional<std::int64_t> realtimeRuntime;
  std::optional<std::uint64_t> realtimePeriod;
  std::string cpus;
  std::string mems;
  std::optional<std::int64_t> idle;
};

struct Pids {  // #pids
  std::optional<std::int64_t> limit;
};

struct WeightDevice {  // #block-io
  std::int64_t major = 0;
  std::int64_t minor = 0;
  std::optional<std::uint16_t> weight;
  std::optional<std::uint16_t> leafWeight;
};
struct ThrottleDevice {
  std::int64_t major = 0;
  std::int64_t minor = 0;
  std::uint64_t rate = 0;
};
struct BlockIO {
  std::optional<std::uint16_t> weight;
  std::optional<std::uint16_t> leafWeight;
  std::vector<WeightDevice> weightDevice;
  std::vector<ThrottleDevice> throttleReadBpsDevice;
  std::vector<ThrottleDevice> throttleWriteBpsDevice;
  std::vector<ThrottleDevice> throttleReadIOPSDevice;
  std::vector<ThrottleDevice> throttleWriteIOPSDevice;
};

struct HugepageLimit {  // #huge-page-limits
  std::string pageSize;
  std::uint64_t limit = 0;
};

struct InterfacePriority {  // #network
  std::string name;
  std::uint32_t priority = 0;
};
struct Network {
  std::optional<std::uint32_t> classID;
  std::vector<InterfacePriority> priorities;
};

struct Rdma {  // #rdma
  std::optional<std::uint32_t> hcaHandles;
  std::optional<std::uint32_t> hcaObjects;
};

struct Resources {  // #control-groups
  std::vector<DeviceCgroup> devices;
  std::optional<Memory> memory;
  std::optional<Cpu> cpu;
  std::optional<Pids> pids;
  std::optional<BlockIO> blockIO;
  std::vector<HugepageLimit> hugepageLimits;
  std::optional<Network> network;
  std::map<std::string, Rdma> rdma;
  std::map<std::string, std::string> unified;
};

struct SeccompArg {  // #seccomp
  std::uint32_t index = 0;
  std::uint64_t value = 0;
  std::uint64_t valueTwo = 0;
  std::string op;
};
struct SeccompSyscall {
  std::vector<std::string> names;
  std::string action;
  std::optional<std::uint32_t> errnoRet;
  std::vector<SeccompArg> args;
};
struct Seccomp {
  std::string defaultAction;
  std::optional<std::uint32_t> defaultErrnoRet;
  std::vector<std::string> architectures;
  // Absent and empty differ: absent means the runtime's default flags (SECCOMP_FILTER_FLAG_SPEC_ALLOW, as runc).
  std::optional<std::vector<std::string>> flags;
  std::string listenerPath;
  std::string listenerMetadata;
  std::vector<SeccompSyscall> syscalls;
};

struct IntelRdt {  // #intelrdt
  std::string closID;
  std::vector<std::string> schemata;
  std::string l3CacheSchema;
  std::string memBwSchema;
  bool enableMonitoring = false;
};

struct MemoryPolicy {  // #memory-policy
  std::string mode;
  std::string nodes;
  std::vector<std::string> flags;
};

struct Personality {  // #personality
  std::string domain;  // LINUX LINUX32
  std::vector<std::string> flags;
};

struct Linux {
  std::vector<Namespace> namespaces;
  std::vector<IdMapping> uidMappings;
  std::vector<IdMapping> gidMappings;
  std::map<std::string, TimeOffset> timeOffsets;  // keys: monotonic, boottime
  std::vector<Device> devices;
  std::map<std::string, NetDevice> netDevices;
  std::string cgroupsPath;
  std::optional<Resources> resources;
  std::optional<IntelRdt> intelRdt;
  std::optional<MemoryPolicy> memoryPolicy;
  std::map<std::string, std::string> sysctl;
  std::optional<Seccomp> seccomp;
  std::string rootfsPropagation;
  std::vector<std::string> maskedPaths;
  std::vector<std::string> readonlyPaths;
  std::string mountLabel;
  std::optional<Personality> personality;
};

}  // namespace agentsafe::oci
