#include "runtime/cgroup/merge.h"

#include <algorithm>

namespace agentsafe::cgroup {
namespace {

template <class T>
void take(std::optional<T>& into, const std::optional<T>& change) {
  if (change) into = change;
}
template <class T>
void take_unless_zero(std::optional<T>& into, const std::optional<T>& change) {
  if (change.value_or(T{}) != T{}) into = change;
}
void take_unless_empty(std::string& into, const std::string& change) {
  if (!change.empty()) into = change;
}

void merge_memory(oci::Memory& into, const oci::Memory& change) {
  take_unless_zero(into.limit, change.limit);
  take_unless_zero(into.reservation, change.reservation);
  take_unless_zero(into.swap, change.swap);
  if (change.limit == -1 && change.swap.value_or(0) == 0) into.swap = -1;
  take(into.swappiness, change.swappiness);
  take(into.disableOOMKiller, change.disableOOMKiller);
  take(into.checkBeforeUpdate, change.checkBeforeUpdate);
}

void merge_cpu(oci::Cpu& into, const oci::Cpu& change) {
  take_unless_zero(into.shares, change.shares);
  take_unless_zero(into.quota, change.quota);
  take(into.burst, change.burst);
  take_unless_zero(into.period, change.period);
  take_unless_zero(into.realtimeRuntime, change.realtimeRuntime);
  take_unless_zero(into.realtimePeriod, change.realtimePeriod);
  take_unless_empty(into.cpus, change.cpus);
  take_unless_empty(into.mems, change.mems);
  take(into.idle, change.idle);
}

// Entries of the same device replace, others are added.
template <class Entry, class Same>
void merge_list(std::vector<Entry>& into, const std::vector<Entry>& change, Same same) {
  for (const auto& entry : change) {
    const auto old = std::find_if(into.begin(), into.end(), [&](const Entry& other) { return same(entry, other); });
    if (old == into.end())
      into.push_back(entry);
    else
      *old = entry;
  }
}

void merge_block_io(oci::BlockIO& into, const oci::BlockIO& change) {
  const auto same = [](const auto& a, const auto& b) { return a.major == b.major && a.minor == b.minor; };
  take_unless_zero(into.weight, change.weight);
  take_unless_zero(into.leafWeight, change.leafWeight);
  merge_list(into.weightDevice, change.weightDevice, same);
  merge_list(into.throttleReadBpsDevice, change.throttleReadBpsDevice, same);
  merge_list(into.throttleWriteBpsDevice, change.throttleWriteBpsDevice, same);
  merge_list(into.throttleReadIOPSDevice, change.throttleReadIOPSDevice, same);
  merge_list(into.throttleWriteIOPSDevice, change.throttleWriteIOPSDevice, same);
}

void merge_network(oci::Network& into, const oci::Network& change) {
  take_unless_zero(into.classID, change.classID);
  merge_list(into.priorities, change.priorities, [](const auto& a, const auto& b) { return a.name == b.name; });
}

template <class T, class Merge>
void merge_part(std::optional<T>& into, const std::optional<T>& change, Merge merge_one) {
  if (!change) return;
  if (!into) into.emplace();
  merge_one(*into, *change);
}

template <class T>
void drop_unless(std::optional<T>& value, bool wanted) {
  if (!wanted) value.reset();
}

oci::Memory affected_memory(const oci::Memory& change, oci::Memory memory) {
  const bool amount = change.limit.value_or(0) != 0 || change.swap.value_or(0) != 0;
  drop_unless(memory.limit, amount);
  drop_unless(memory.swap, amount);
  drop_unless(memory.reservation, change.reservation.has_value());
  drop_unless(memory.swappiness, change.swappiness.has_value());
  drop_unless(memory.disableOOMKiller, change.disableOOMKiller.has_value());
  memory.useHierarchy.reset();
  return memory;
}

oci::Cpu affected_cpu(const oci::Cpu& change, oci::Cpu cpu) {
  const bool bandwidth = change.quota.value_or(0) != 0 || change.period.value_or(0) != 0 || change.burst;
  const bool share = change.shares.value_or(0) != 0 || change.idle;
  drop_unless(cpu.quota, bandwidth);
  drop_unless(cpu.period, bandwidth);
  drop_unless(cpu.burst, bandwidth);
  drop_unless(cpu.shares, share);
  drop_unless(cpu.idle, share);
  const bool realtime = change.realtimePeriod.value_or(0) != 0 || change.realtimeRuntime.value_or(0) != 0;
  drop_unless(cpu.realtimePeriod, realtime);
  drop_unless(cpu.realtimeRuntime, realtime);
  if (change.cpus.empty()) cpu.cpus.clear();
  if (change.mems.empty()) cpu.mems.clear();
  return cpu;
}

}  // namespace

oci::Resources merge(const oci::Resources& current, const oci::Resources& change) {
  oci::Resources merged = current;
  merge_part(merged.memory, change.memory, merge_memory);
  merge_part(merged.cpu, change.cpu, merge_cpu);
  merge_part(merged.pids, change.pids, [](auto& into, const auto& pids) { take(into.limit, pids.limit); });
  merge_part(merged.blockIO, change.blockIO, merge_block_io);
  merge_list(merged.hugepageLimits, change.hugepageLimits,
             [](const auto& a, const auto& b) { return a.pageSize == b.pageSize; });
  merge_part(merged.network, change.network, merge_network);
  for (const auto& [device, limits] : change.rdma) {
    take(merged.rdma[device].hcaHandles, limits.hcaHandles);
    take(merged.rdma[device].hcaObjects, limits.hcaObjects);
  }
  for (const auto& [file, value] : change.unified) merged.unified[file] = value;
  return merged;
}

oci::Resources affected(const oci::Resources& change, const oci::Resources& merged) {
  oci::Resources result = change;
  result.devices.clear();
  if (change.memory) result.memory = affected_memory(*change.memory, *merged.memory);
  if (change.cpu) result.cpu = affected_cpu(*change.cpu, *merged.cpu);
  return result;
}

}  // namespace agentsafe::cgroup
