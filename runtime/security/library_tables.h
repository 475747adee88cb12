// What libseccomp and libcap know of this machine's family of processors, as tables that the build writes
// (library_tables_main.cpp): linked in, the libraries take 130 KB, most of it for work that we do ourselves.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace agentsafe::security {

// SCMP_ARCH_X86_64, X86, X32, AARCH64, ARM, RISCV64: libseccomp's tokens, in the order of SyscallRow's numbers.
inline constexpr std::array<std::uint32_t, 6> table_architectures = {0xC000003E, 0x40000003, 0x4000003E,
                                                                     0xC00000B7, 0x40000028, 0xC00000F3};

struct SyscallRow {
  std::uint16_t name_at;  // in syscall_names()
  std::uint16_t name_size;
  std::array<std::int32_t, table_architectures.size()> numbers;  // -1: not there
};
// Every syscall that libseccomp knows on any architecture, by name.
[[nodiscard]] std::span<const SyscallRow> syscall_rows();
[[nodiscard]] std::string_view syscall_names();

[[nodiscard]] std::span<const std::string_view> libcap_names();  // "CAP_CHOWN" …, by number
[[nodiscard]] std::string_view libseccomp_version();             // "2.5.4"

}  // namespace agentsafe::security
