#include "runtime/sys/quota.h"

#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "runtime/base/error.h"

namespace agentsafe::sys {
namespace {

constexpr std::uint64_t block = 1024;  // of limits, whatever the file system's are (quotactl(2))

long quotactl_fd(FdRef folder, unsigned command, std::uint32_t id, void* data) {
  return ::syscall(SYS_quotactl_fd, folder.get(), QCMD(command, PRJQUOTA), id, data);
}

[[noreturn]] void fail_for(const char* call, std::uint32_t project) {
  fail_errno(std::string(call) + " of project " + std::to_string(project));
}

}  // namespace

// The call of xfs, which the kernel answers for ext4 too.
bool enforces_projects(FdRef folder) {
  fs_quota_stat status{};
  if (quotactl_fd(folder, Q_XGETQSTAT, 0, &status) != 0) return false;
  return (status.qs_flags & FS_QUOTA_PDQ_ENFD) != 0;
}

bool has_project(FdRef folder, std::uint32_t project) {
  if_dqblk record{};
  if (quotactl_fd(folder, Q_GETQUOTA, project, &record) != 0) {
    if (errno == ENOENT || errno == ESRCH) return false;
    fail_for("quotactl Q_GETQUOTA", project);
  }
  return (record.dqb_bhardlimit | record.dqb_bsoftlimit | record.dqb_curspace | record.dqb_ihardlimit |
          record.dqb_isoftlimit | record.dqb_curinodes) != 0;
}

void set_project(FdRef folder, std::uint32_t project) {
  fsxattr attributes{};
  if (::ioctl(folder.get(), FS_IOC_FSGETXATTR, &attributes) != 0) fail_for("ioctl FS_IOC_FSGETXATTR", project);
  attributes.fsx_projid = project;
  attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
  if (::ioctl(folder.get(), FS_IOC_FSSETXATTR, &attributes) != 0) fail_for("ioctl FS_IOC_FSSETXATTR", project);
}

void limit_project(FdRef folder, std::uint32_t project, std::uint64_t bytes, std::uint64_t inodes) {
  if_dqblk record{};
  record.dqb_bhardlimit = (bytes + block - 1) / block;
  record.dqb_ihardlimit = inodes;
  record.dqb_valid = QIF_LIMITS;
  if (quotactl_fd(folder, Q_SETQUOTA, project, &record) != 0) fail_for("quotactl Q_SETQUOTA", project);
}

}  // namespace agentsafe::sys
