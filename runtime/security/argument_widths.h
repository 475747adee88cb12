// How many bits of a syscall's argument the kernel reads. A filter sees the whole register: a comparison of all 64 bits
// with socket(2)'s `int family` is gone around by setting an upper bit, which the kernel drops (CVE-2019-7303,
// CVE-2019-10063).
#pragma once
#include <string_view>

namespace agentsafe::security {

// 16, 32 or 64; 64 for what is not in the table. Source: the syscalls' prototypes in Linux 6.18 (tracefs,
// events/syscalls/sys_enter_*/format).
[[nodiscard]] unsigned argument_width(std::string_view syscall, unsigned index);

}  // namespace agentsafe::security
