// What libseccomp does not know of system calls: the newest ones, and which arguments are 32 bits wide.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace agentsafe::security {

// Numbers of system calls that are newer than libseccomp 2.5.4. Since Linux 5.1 new ones have one number on all
// architectures of the generic table (not MIPS, which adds an offset).
[[nodiscard]] std::optional<std::uint32_t> new_syscall(std::string_view name);

// Bit n: argument n is an int or unsigned int. The kernel drops its upper half, libseccomp compares all 64 bits: a filter
// that must not be passed with socket(7<<32 | AF_VSOCK) compares the lower half only (CVE-2019-9893's class).
[[nodiscard]] unsigned narrow_arguments(std::string_view syscall);

}  // namespace agentsafe::security
