// Project quotas: what all files of a folder may take together, whoever owns them. Source: quotactl(2),
// FS_IOC_FSSETXATTR in ioctl_fs(2); ext4 and xfs have them. Needs Linux 5.14 (quotactl_fd).
//
//   if (!sys::enforces_projects(folder)) …
//   sys::set_project(folder, 1634140160);                       // what is made in it belongs to the project too
//   sys::limit_project(folder, 1634140160, 1 << 30, 1000);      // EDQUOT beyond
#pragma once
#include <cstdint>

#include "runtime/base/unique_fd.h"

namespace agentsafe::sys {

// Whether limits of projects hold on the folder's file system; false too where the kernel knows of none.
[[nodiscard]] bool enforces_projects(FdRef folder);
// Whether something belongs to the project, or limits are set for it.
[[nodiscard]] bool has_project(FdRef folder, std::uint32_t project);
// Of an open directory (not O_PATH), and of everything that will be made in it.
void set_project(FdRef folder, std::uint32_t project);
// Zeros take the limits away, and the record too once the project has no files. bytes are rounded up to 1 KiB.
void limit_project(FdRef folder, std::uint32_t project, std::uint64_t bytes, std::uint64_t inodes);

}  // namespace agentsafe::sys
