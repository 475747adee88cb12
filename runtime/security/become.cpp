#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/base/error.h"
#include "runtime/security/apply.h"
#include "runtime/sys/process.h"

namespace agentsafe::security {
namespace {

constexpr unsigned max_capabilities = 64;

void drop_bounding(std::uint64_t keep) {
  for (unsigned capability = 0; capability < max_capabilities; ++capability) {
    if ((keep >> capability & 1) != 0) continue;
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0) continue;
    if (errno == EINVAL) return;  // beyond the kernel's last one
    if (errno == EPERM && ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 0) continue;
    fail_errno("drop capability " + std::to_string(capability) + " from the bounding set");
  }
}

std::uint32_t low(std::uint64_t mask) { return static_cast<std::uint32_t>(mask); }
std::uint32_t high(std::uint64_t mask) { return static_cast<std::uint32_t>(mask >> 32); }

void set_capabilities(const CapabilityMasks& masks) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct data[2] = {{low(masks.effective), low(masks.permitted), low(masks.inheritable)},
                                          {high(masks.effective), high(masks.permitted), high(masks.inheritable)}};
  if (::syscall(SYS_capset, &header, data) != 0) fail_errno("set the capabilities");
}

std::vector<std::string> raise_ambient(std::uint64_t ambient) {
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL)
    fail_errno("clear the ambient capabilities");
  std::string refused;
  std::string reason;
  for (unsigned capability = 0; capability < max_capabilities; ++capability) {
    if ((ambient >> capability & 1) == 0 || ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) == 0)
      continue;
    reason = errno_text(errno);
    refused += (refused.empty() ? "" : ", ") + std::to_string(capability);
  }
  if (refused.empty()) return {};
  return {"ambient capabilities " + refused + " cannot be raised: " + reason +
          "; they must be permitted and inheritable too"};
}

// Also with an empty list: the caller's groups must not stay (CVE-2022-36109).
void set_ids(const Confinement& confinement) {
  const auto& gids = confinement.additional_gids;
  if (confinement.sets_groups && ::setgroups(gids.size(), gids.data()) != 0) fail_errno("set the additional groups");
  if (::setresgid(confinement.gid, confinement.gid, confinement.gid) != 0)
    fail_errno("set gid " + std::to_string(confinement.gid));
  if (::setresuid(confinement.uid, confinement.uid, confinement.uid) != 0)
    fail_errno("set uid " + std::to_string(confinement.uid));
}

}  // namespace

std::vector<std::string> become(const Confinement& confinement) {
  drop_bounding(confinement.capabilities.bounding);
  const bool would_lose_all = confinement.uid != 0;
  if (would_lose_all) sys::set_keep_capabilities(true);  // across setresuid, until capset has said what stays
  set_ids(confinement);
  if (would_lose_all) sys::set_keep_capabilities(false);
  set_capabilities(confinement.capabilities);
  ::umask(static_cast<mode_t>(confinement.umask));
  sys::set_dumpable(false);  // a change of ids may have made us dumpable again
  return raise_ambient(confinement.capabilities.ambient);
}

}  // namespace agentsafe::security
