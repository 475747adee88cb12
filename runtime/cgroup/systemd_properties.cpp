#include "runtime/cgroup/systemd_properties.h"

#include <algorithm>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/cgroup/knobs.h"

namespace agentsafe::cgroup {
namespace {

using systemd::number;
using systemd::Property;

constexpr std::uint64_t infinity = UINT64_MAX;
constexpr unsigned with_quota_period = 242;
constexpr unsigned with_cpusets = 244;
constexpr unsigned with_idle = 252;
constexpr unsigned with_zswap = 253;

class Properties {
 public:
  // A later value of the same property replaces the earlier one.
  void set(const char* name, systemd::Value value) {
    const auto same = std::find_if(list_.begin(), list_.end(), [&](const Property& p) { return p.first == name; });
    if (same == list_.end())
      list_.emplace_back(name, std::move(value));
    else
      same->second = std::move(value);
  }
  void set(const char* name, std::uint64_t value) { set(name, number('t', value)); }
  // One more row of a list property.
  void add(const char* name, const char* element, systemd::Value row) {
    const auto same = std::find_if(list_.begin(), list_.end(), [&](const Property& p) { return p.first == name; });
    if (same == list_.end())
      list_.emplace_back(name, systemd::array(element, {std::move(row)}));
    else
      same->second.items.push_back(std::move(row));
  }
  std::vector<Property> take() { return std::move(list_); }

 private:
  std::vector<Property> list_;
};

std::uint64_t limit_of(std::int64_t limit) { return limit < 0 ? infinity : static_cast<std::uint64_t>(limit); }

// "max" or a number.
std::optional<std::uint64_t> limit_of(std::string_view text) {
  const auto word = text::trim(text);
  return word == "max" ? infinity : text::parse<std::uint64_t>(word);
}

// systemd keeps whole percents of a processor: rounded up, so that a reload never gives less.
std::uint64_t quota_per_second(std::uint64_t quota, std::uint64_t period) {
  constexpr std::uint64_t second = 1'000'000;
  constexpr std::uint64_t percent = second / 100;
  const std::uint64_t exact = quota * second / period;
  return (exact + percent - 1) / percent * percent;
}

constexpr std::uint64_t usual_period = 100'000;

void set_quota(Properties& properties, std::optional<std::uint64_t> quota, std::uint64_t period,
               const SystemdFacts& facts) {
  if (period != 0 && facts.version >= with_quota_period) properties.set("CPUQuotaPeriodUSec", period);
  if (quota)
    properties.set("CPUQuotaPerSecUSec",
                   *quota == infinity ? infinity : quota_per_second(*quota, period != 0 ? period : usual_period));
}

void add_cpu(Properties& properties, const oci::Cpu& cpu, const SystemdFacts& facts) {
  const auto shares = cpu.shares.value_or(0);
  if (shares != 0 && facts.v2) properties.set("CPUWeight", weight_from_shares(shares));
  if (shares != 0 && !facts.v2) properties.set("CPUShares", shares);
  if (cpu.idle.value_or(0) != 0 && facts.v2 && facts.version >= with_idle) properties.set("CPUWeight", 0);
  const auto quota = cpu.quota.value_or(0);
  const auto period = cpu.period.value_or(0);
  if (quota != 0 || period != 0) set_quota(properties, quota == 0 ? infinity : limit_of(quota), period, facts);
  if (!facts.v2 || facts.version < with_cpusets) return;
  if (!cpu.cpus.empty()) properties.set("AllowedCPUs", systemd::bytes(cpu_set_bytes(cpu.cpus)));
  if (!cpu.mems.empty()) properties.set("AllowedMemoryNodes", systemd::bytes(cpu_set_bytes(cpu.mems)));
}

systemd::Value device_row(std::string_view numbers, std::uint64_t value) {
  return systemd::structure({systemd::text("/dev/block/" + std::string(numbers)), number('t', value)});
}

void add_block_io(Properties& properties, const oci::BlockIO& io, const SystemdFacts& facts) {
  const auto weight = io.weight.value_or(0);
  if (!facts.v2) {
    if (weight != 0) properties.set("BlockIOWeight", weight);
    return;
  }
  if (weight != 0) properties.set("IOWeight", io_weight_from_blkio(weight));
  for (const auto& device : io.weightDevice)
    if (device.weight.value_or(0) != 0)
      properties.add("IODeviceWeight", "(st)",
                     device_row(device_key(device.major, device.minor), io_weight_from_blkio(*device.weight)));
  const auto throttle = [&](const char* name, const std::vector<oci::ThrottleDevice>& devices) {
    for (const auto& device : devices)
      properties.add(name, "(st)",
                     device_row(device_key(device.major, device.minor), device.rate == 0 ? infinity : device.rate));
  };
  throttle("IOReadBandwidthMax", io.throttleReadBpsDevice);
  throttle("IOWriteBandwidthMax", io.throttleWriteBpsDevice);
  throttle("IOReadIOPSMax", io.throttleReadIOPSDevice);
  throttle("IOWriteIOPSMax", io.throttleWriteIOPSDevice);
}

void add_memory(Properties& properties, const oci::Memory& memory, const SystemdFacts& facts) {
  const auto limit = memory.limit.value_or(0);
  if (limit != 0) properties.set(facts.v2 ? "MemoryMax" : "MemoryLimit", limit_of(limit));
  if (!facts.v2) return;
  if (memory.reservation.value_or(0) != 0) properties.set("MemoryLow", limit_of(*memory.reservation));
  if (const auto swap = swap_for_v2(memory))
    if (const auto value = limit_of(std::string_view(*swap))) properties.set("MemorySwapMax", *value);
}

// --- linux.resources.unified: a file's text as a property; what systemd has no word for stays a file alone --------

void set_cpu_max(Properties& properties, std::string_view text, const SystemdFacts& facts) {
  const auto words = text::words(text);
  if (words.empty()) return;
  const auto period = words.size() > 1 ? text::parse<std::uint64_t>(words[1]).value_or(0) : 0;
  set_quota(properties, limit_of(words[0]), period, facts);
}

// "8:0 rbps=1048576 wiops=max"
void set_io_max(Properties& properties, std::string_view text) {
  constexpr std::pair<std::string_view, const char*> names[] = {{"rbps=", "IOReadBandwidthMax"},
                                                                {"wbps=", "IOWriteBandwidthMax"},
                                                                {"riops=", "IOReadIOPSMax"},
                                                                {"wiops=", "IOWriteIOPSMax"}};
  for (const auto line : text::lines(text)) {
    const auto words = text::words(line);
    for (std::size_t i = 1; i < words.size(); ++i)
      for (const auto& [key, name] : names)
        if (words[i].starts_with(key))
          if (const auto value = limit_of(words[i].substr(key.size())))
            properties.add(name, "(st)", device_row(words[0], *value));
  }
}

// "default 100", "100", "8:0 200"
void set_io_weight(Properties& properties, std::string_view text) {
  for (const auto line : text::lines(text)) {
    const auto words = text::words(line);
    if (words.empty()) continue;
    const auto value = text::parse<std::uint64_t>(words.back());
    if (!value) continue;
    if (words.size() == 1 || words[0] == "default")
      properties.set("IOWeight", *value);
    else
      properties.add("IODeviceWeight", "(st)", device_row(words[0], *value));
  }
}

struct UnifiedRow {
  std::string_view file;
  const char* property;
  PropertyGroup group;
  unsigned version;  // of systemd that knows it
};
// A number or "max".
constexpr UnifiedRow unified_numbers[] = {{"cpu.weight", "CPUWeight", PropertyGroup::limits, 0},
                                          {"pids.max", "TasksMax", PropertyGroup::tasks, 0},
                                          {"memory.min", "MemoryMin", PropertyGroup::memory, 0},
                                          {"memory.low", "MemoryLow", PropertyGroup::memory, 0},
                                          {"memory.high", "MemoryHigh", PropertyGroup::memory, 0},
                                          {"memory.max", "MemoryMax", PropertyGroup::memory, 0},
                                          {"memory.swap.max", "MemorySwapMax", PropertyGroup::memory, 0},
                                          {"memory.zswap.max", "MemoryZSwapMax", PropertyGroup::memory, with_zswap}};

void add_unified(Properties& properties, const oci::Resources& resources, PropertyGroup group,
                 const SystemdFacts& facts) {
  for (const auto& row : unified_numbers) {
    const auto found = resources.unified.find(std::string(row.file));
    if (row.group != group || found == resources.unified.end() || facts.version < row.version) continue;
    if (const auto value = limit_of(std::string_view(found->second))) properties.set(row.property, *value);
  }
  if (group != PropertyGroup::limits) return;
  for (const auto& [file, text] : resources.unified) {
    if (file == "cpu.max") set_cpu_max(properties, text, facts);
    if (file == "cpu.idle" && text::trim(text) == "1" && facts.version >= with_idle) properties.set("CPUWeight", 0);
    if (file == "io.max") set_io_max(properties, text);
    if (file == "io.weight") set_io_weight(properties, text);
    if (facts.version < with_cpusets) continue;
    if (file == "cpuset.cpus") properties.set("AllowedCPUs", systemd::bytes(cpu_set_bytes(text::trim(text))));
    if (file == "cpuset.mems") properties.set("AllowedMemoryNodes", systemd::bytes(cpu_set_bytes(text::trim(text))));
  }
}

}  // namespace

std::vector<Property> systemd_properties(const oci::Resources& resources, PropertyGroup group,
                                         const SystemdFacts& facts) {
  Properties properties;
  switch (group) {
    case PropertyGroup::limits:
      if (resources.cpu) add_cpu(properties, *resources.cpu, facts);
      if (resources.blockIO) add_block_io(properties, *resources.blockIO, facts);
      break;
    case PropertyGroup::tasks:
      if (resources.pids && resources.pids->limit)  // systemd has no limit of none
        properties.set("TasksMax", limit_of(*resources.pids->limit == 0 ? 1 : *resources.pids->limit));
      break;
    case PropertyGroup::memory:
      if (resources.memory) add_memory(properties, *resources.memory, facts);
      break;
  }
  if (facts.v2) add_unified(properties, resources, group, facts);
  return properties.take();
}

std::vector<Property> systemd_properties(const oci::Resources& resources, const SystemdFacts& facts) {
  std::vector<Property> all;
  for (const auto group : {PropertyGroup::limits, PropertyGroup::tasks, PropertyGroup::memory})
    for (auto& property : systemd_properties(resources, group, facts)) all.push_back(std::move(property));
  return all;
}

bool depends_on_version(const oci::Resources& resources) {
  const auto& cpu = resources.cpu;
  const bool of_cpu = cpu && (cpu->quota.value_or(0) != 0 || cpu->period.value_or(0) != 0 ||
                              cpu->idle.value_or(0) != 0 || !cpu->cpus.empty() || !cpu->mems.empty());
  return of_cpu || !resources.unified.empty();
}

std::vector<Property> restoring_properties(const std::vector<Property>& changed, const std::vector<Property>& before) {
  std::vector<Property> restoring;
  for (const Property& property : changed) {
    const auto& [name, value] = property;
    const auto old =
        std::find_if(before.begin(), before.end(), [&](const Property& p) { return p.first == property.first; });
    if (old != before.end()) {
      restoring.push_back(*old);
    } else if (value.signature == "t") {
      const bool protection = name == "MemoryLow" || name == "MemoryMin";  // "not set" is none, not all
      restoring.emplace_back(name, number('t', protection ? 0 : infinity));
    } else {
      restoring.emplace_back(name, systemd::Value{value.signature, 0, {}, {}});
    }
  }
  return restoring;
}

std::string cpu_set_bytes(std::string_view list) {
  constexpr unsigned most = 8192;  // of the kernel
  std::string mask;
  for (const auto range : text::split(list, ',')) {
    const auto dash = range.find('-');
    const auto first = text::parse<unsigned>(text::trim(range.substr(0, dash)));
    const auto last =
        dash == std::string_view::npos ? first : text::parse<unsigned>(text::trim(range.substr(dash + 1)));
    if (!first || !last || *first > *last || *last >= most)
      fail("\"" + text::escaped(list) + "\" is not a list of numbers such as 0-3,7");
    if (mask.size() <= *last / 8) mask.resize(*last / 8 + 1, '\0');
    for (unsigned bit = *first; bit <= *last; ++bit)
      mask[bit / 8] = static_cast<char>(mask[bit / 8] | (1 << (bit % 8)));
  }
  return mask;
}

}  // namespace agentsafe::cgroup
