#include "runtime/container/userns_hint.h"

#include <cerrno>

#include "runtime/base/text.h"
#include "runtime/sys/fd.h"

namespace agentsafe::container {
namespace {

std::string first_line(const char* path) {
  try {
    const auto text = sys::try_read_file(sys::at_cwd, path);
    return text ? text->substr(0, text->find_first_of(std::string("\n\0", 2))) : "";
  } catch (const std::exception&) {  // not readable: then it explains nothing
    return {};
  }
}

}  // namespace

UsernsRestriction userns_restriction() {
  return {first_line("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"), first_line("/proc/self/attr/current"),
          first_line("/proc/sys/user/max_user_namespaces")};
}

std::string userns_hint(int error_number, const UsernsRestriction& restriction) {
  if (error_number == ENOSPC && restriction.max_user_namespaces == "0")
    return "; user namespaces are switched off on this host: sysctl user.max_user_namespaces is 0";
  if (error_number != EPERM && error_number != EACCES) return {};
  if (restriction.sysctl != "1" || restriction.label != "unconfined") return {};
  return "; this host lets only programs with an AppArmor profile use user namespaces "
         "(kernel.apparmor_restrict_unprivileged_userns=1): install contrib/apparmor/agentsafe as "
         "/etc/apparmor.d/agentsafe and load it with apparmor_parser -r, or set that sysctl to 0";
}

}  // namespace agentsafe::container
