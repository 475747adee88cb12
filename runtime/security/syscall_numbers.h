// Syscall names as numbers, per architecture: libseccomp's tables, those newer than it, and the old multiplexers.
//
//   for (const Target& t : targets("socket", x86))   // {359}, and {102 when argument 0 is 1}: socketcall(2)
//
// Source: libseccomp's seccomp_syscall_resolve_name(3), the kernel's arch/*/…/syscall tables, socketcall(2), ipc(2).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace agentsafe::security {

// What one architecture's calls look like to a filter.
struct Architecture {
  std::string_view word;      // SCMP_ARCH_*
  std::uint32_t token = 0;    // libseccomp's
  std::uint32_t audit = 0;    // seccomp_data.arch; x86_64 and x32 share one
  std::uint32_t first = 0;    // its smallest number: x32 has bit 30 set in all of its numbers
  bool wide = true;           // arguments have 64 bits
  bool operator==(const Architecture&) const = default;
};

// A processor and its kernel, by the architecture of its own programs: libseccomp's SCMP_ARCH_X86_64, …_AARCH64 or
// …_RISCV64.
using Machine = std::uint32_t;
[[nodiscard]] Machine this_machine();

// The architectures whose calls this machine's kernel takes, its own one first. Throws on a machine that is not in the
// tables of this file: a filter that nobody has checked is none.
[[nodiscard]] std::vector<Architecture> runnable_architectures(Machine machine);

struct Located {
  Machine machine = 0;
  Architecture architecture;
};
// Which machine runs calls of "x86_64", "x86", "x32", "aarch64", "arm" or "riscv64"; the empty name is this machine's.
[[nodiscard]] std::optional<Located> locate_architecture(std::string_view name);

struct Target {
  std::uint32_t number = 0;
  std::optional<std::uint32_t> call;  // only when argument 0 of the multiplexer is this
  std::uint32_t call_mask = ~0U;      // ipc(2) keeps a version in the upper half
};

// Where `name` arrives; nothing when this architecture has no such syscall.
[[nodiscard]] std::vector<Target> targets(const std::string& name, const Architecture& architecture);
// What has this number there; "" when libseccomp and we know of nothing.
[[nodiscard]] std::string name_of_syscall(std::uint32_t number, const Architecture& architecture);
// Known anywhere, on any architecture.
[[nodiscard]] bool is_known_syscall(const std::string& name);

}  // namespace agentsafe::security
