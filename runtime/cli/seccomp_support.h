// What libseccomp and the kernel at hand can do. Source: seccomp_version(3), seccomp(2).
#pragma once
#include <string>

namespace agentsafe::cli {

[[nodiscard]] std::string libseccomp_version();  // "2.5.4"

// Whether the kernel takes this SECCOMP_FILTER_FLAG_*.
[[nodiscard]] bool kernel_takes_seccomp_flag(unsigned long flag);

}  // namespace agentsafe::cli
