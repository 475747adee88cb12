#include "runtime/cli/update_flags.h"

#include "runtime/cli/values.h"

namespace agentsafe::cli {
namespace {

template <class T>
void put(std::optional<T>& target, const Arguments& given, std::string_view name) {
  if (const auto value = given.number<T>(name)) target = value;
}

void put_size(std::optional<std::int64_t>& target, const Arguments& given, std::string_view name) {
  const std::string raw = given.text(name);
  if (raw.empty()) return;
  const auto size = parse_size(raw);
  if (!size) Arguments::refuse(name, raw, "expected bytes, with a unit as in 512M, or -1");
  target = size;
}

void put_cpu(oci::Cpu& cpu, const Arguments& given) {
  put(cpu.period, given, "cpu-period");
  put(cpu.quota, given, "cpu-quota");
  put(cpu.burst, given, "cpu-burst");
  put(cpu.shares, given, "cpu-share");
  put(cpu.realtimePeriod, given, "cpu-rt-period");
  put(cpu.realtimeRuntime, given, "cpu-rt-runtime");
  put(cpu.idle, given, "cpu-idle");
  cpu.cpus = given.text("cpuset-cpus", cpu.cpus);
  cpu.mems = given.text("cpuset-mems", cpu.mems);
}

void put_memory(oci::Memory& memory, const Arguments& given) {
  put_size(memory.limit, given, "memory");
  put_size(memory.reservation, given, "memory-reservation");
  put_size(memory.swap, given, "memory-swap");
  if (memory.limit == -1 && !memory.swap) memory.swap = -1;
}

bool any_given(const Arguments& given, std::initializer_list<std::string_view> names) {
  for (const auto name : names)
    if (given.given(name)) return true;
  return false;
}

}  // namespace

void apply_update_flags(oci::Resources& resources, const Arguments& given, Log& log) {
  if (any_given(given, {"cpu-period", "cpu-quota", "cpu-burst", "cpu-share", "cpu-rt-period", "cpu-rt-runtime",
                        "cpu-idle", "cpuset-cpus", "cpuset-mems"})) {
    if (!resources.cpu) resources.cpu.emplace();
    put_cpu(*resources.cpu, given);
  }
  if (any_given(given, {"memory", "memory-reservation", "memory-swap"}) && !resources.memory)
    resources.memory.emplace();
  if (resources.memory) put_memory(*resources.memory, given);
  if (given.given("pids-limit")) {
    if (!resources.pids) resources.pids.emplace();
    put(resources.pids->limit, given, "pids-limit");
  }
  if (given.given("blkio-weight")) {
    if (!resources.blockIO) resources.blockIO.emplace();
    put(resources.blockIO->weight, given, "blkio-weight");
  }
  for (const auto name : {"kernel-memory", "kernel-memory-tcp"})
    if (given.given(name))
      log.warning(std::string("--") + name + " has no effect: the kernel no longer has this limit");
}

}  // namespace agentsafe::cli
