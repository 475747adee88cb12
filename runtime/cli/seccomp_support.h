// What the kernel at hand can do. Source: seccomp(2).
#pragma once

namespace agentsafe::cli {

// Whether the kernel takes this SECCOMP_FILTER_FLAG_*.
[[nodiscard]] bool kernel_takes_seccomp_flag(unsigned long flag);

}  // namespace agentsafe::cli
