// config-linux.md#control-groups. What depends on the version of cgroups is decided where it is planned
// (runtime/cgroup).
#include "oci/validation.h"
#include "runtime/base/text.h"

namespace agentsafe::oci {
namespace {

constexpr std::string_view devices_section = "config-linux.md#allowed-device-list";
constexpr std::string_view block_section = "config-linux.md#block-io";

void validate_device_rules(const Resources& resources, const Where& where, Findings& findings) {
  constexpr std::string_view types[] = {"", "a", "c", "b"};
  const Where list = where / "devices";
  for (std::size_t i = 0; i < resources.devices.size(); ++i) {
    const auto& rule = resources.devices[i];
    const Where at = list[i];
    findings.require_known(rule.type, types, at / "type", devices_section);
    findings.require(rule.access.find_first_not_of("rwm") == std::string::npos, at / "access",
                     "must be of the letters r, w and m", devices_section);
    findings.require(rule.major.value_or(0) >= -1, at / "major", "must be -1 (all) or more", devices_section);
    findings.require(rule.minor.value_or(0) >= -1, at / "minor", "must be -1 (all) or more", devices_section);
  }
}

void validate_block_io(const BlockIO& block, const Where& where, Findings& findings) {
  const auto check = [&](std::optional<std::uint16_t> weight, const Where& at) {
    const auto value = weight.value_or(0);  // 0: not set
    findings.require(value == 0 || (value >= 10 && value <= 1000), at, "must be from 10 to 1000", block_section);
  };
  check(block.weight, where / "weight");
  check(block.leafWeight, where / "leafWeight");
  const Where devices = where / "weightDevice";
  for (std::size_t i = 0; i < block.weightDevice.size(); ++i) {
    const Where device = devices[i];
    check(block.weightDevice[i].weight, device / "weight");
    check(block.weightDevice[i].leafWeight, device / "leafWeight");
  }
}

// "2MB", "1GB", "64KB": as in the names of the kernel's files.
bool is_page_size(std::string_view size) {
  if (size.size() < 3 || !size.ends_with('B')) return false;
  const char unit = size[size.size() - 2];
  const auto number = text::parse<std::uint64_t>(size.substr(0, size.size() - 2));
  return (unit == 'K' || unit == 'M' || unit == 'G') && number.value_or(0) > 0;
}

bool is_file_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos;
}

void validate_tables(const Resources& resources, const Where& where, Findings& findings) {
  const Where pages = where / "hugepageLimits";
  for (std::size_t i = 0; i < resources.hugepageLimits.size(); ++i)
    findings.require(is_page_size(resources.hugepageLimits[i].pageSize), pages[i],
                     "pageSize must be a size such as 64KB, 2MB or 1GB", "config-linux.md#huge-page-limits");
  const Where rdma = where / "rdma";
  for (const auto& [device, limits] : resources.rdma)
    findings.require(is_file_name(device) && device.find_first_of(" \t\n") == std::string::npos, rdma / device,
                     "is not the name of a device", "config-linux.md#rdma");
  const Where unified = where / "unified";
  for (const auto& [name, value] : resources.unified)
    findings.require(is_file_name(name), unified / name, "is not the name of a cgroup file", "config-linux.md#unified");
}

}  // namespace

void validate_resources(const Resources& resources, const Where& where, Findings& findings) {
  validate_device_rules(resources, where, findings);
  if (resources.blockIO) validate_block_io(*resources.blockIO, where / "blockIO", findings);
  if (resources.cpu)
    findings.require(resources.cpu->idle.value_or(0) == 0 || resources.cpu->idle == 1, where / "cpu.idle",
                     "must be 0 or 1", "config-linux.md#cpu");
  if (resources.memory) {
    const auto swappiness = resources.memory->swappiness.value_or(0);
    findings.require(swappiness <= 100 || swappiness == UINT64_MAX, where / "memory.swappiness",
                     "must be from 0 to 100", "config-linux.md#memory");  // -1 in Docker's words: not set
  }
  validate_tables(resources, where, findings);
}

}  // namespace agentsafe::oci
