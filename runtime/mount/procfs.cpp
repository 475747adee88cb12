#include "runtime/mount/procfs.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>

#include <algorithm>
#include <cerrno>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/mount.h"

namespace agentsafe::mount {
namespace {

constexpr std::uint64_t beneath = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS;

UniqueFd detached_proc(bool only_processes) {
  const UniqueFd context = sys::fsopen("proc");
  if (only_processes) sys::fsconfig_string(context, "subset", "pid");
  sys::fsconfig_create(context);
  return sys::fsmount(context, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

UniqueFd verified_proc() {
  constexpr ino_t root_inode = 1;  // PROC_ROOT_INO
  UniqueFd proc = sys::openat(sys::at_cwd, "/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW);
  if (sys::fstatfs(proc).f_type != PROC_SUPER_MAGIC || sys::fstat(proc).st_ino != root_inode)
    fail("/proc is not a proc file system");
  return proc;
}

UniqueFd proc_handle(bool only_processes) {
  try {
    return detached_proc(only_processes);
  } catch (const Error& error) {
    const bool refused =
        error.error_number() == EPERM || error.error_number() == EINVAL || error.error_number() == ENOSYS;
    if (!refused) throw;
  }
  return verified_proc();
}

std::string normalised(std::string_view value) {
  return text::join(
      [&] {
        std::vector<std::string> words;
        for (const auto word : text::words(value)) words.emplace_back(word);
        return words;
      }(),
      " ");
}

void write_sysctl(FdRef tree, const std::string& name, const std::string& value) {
  std::string path = name;
  if (name.find('/') == std::string::npos) std::replace(path.begin(), path.end(), '.', '/');
  {
    const UniqueFd file = sys::openat2(tree, path, O_WRONLY, beneath);
    sys::write_once(file, value);
  }
  const UniqueFd file = sys::maybe_openat2(tree, path, O_RDONLY, beneath);
  if (!file && errno != EACCES) fail_errno("read back");
  if (!file) return;  // write-only keys
  // lists are normalised by the kernel (cpu lists, port ranges): only a value that was not taken at all is told apart
  const std::string now = normalised(sys::read_all(file));
  const bool numeric = text::parse<std::int64_t>(text::trim(value)).has_value();
  if (numeric && now != normalised(value)) fail("read back: it is \"" + text::escaped(now) + "\"");
}

}  // namespace

UniqueFd private_proc() { return proc_handle(true); }

void write_sysctls(const std::vector<std::pair<std::string, std::string>>& sysctls, FdRef proc) {
  if (sysctls.empty()) return;
  UniqueFd tree = sys::maybe_openat2(proc, "sys", O_PATH | O_DIRECTORY, beneath);
  if (!tree && errno != ENOENT) fail_errno("open sys of procfs");
  if (!tree) tree = sys::openat2(proc_handle(false), "sys", O_PATH | O_DIRECTORY, beneath);
  for (const auto& sysctl : sysctls)  // clang 14 cannot capture structured bindings
    in_context("set sysctl " + sysctl.first + "=" + text::escaped(sysctl.second),
               [&] { write_sysctl(tree, sysctl.first, sysctl.second); });
}

}  // namespace agentsafe::mount
