#include "runtime/security/rlimits.h"

#include <sys/resource.h>

#include <cerrno>

#include "runtime/base/error.h"
#include "runtime/sys/process.h"

namespace agentsafe::security {
namespace {

struct Row {
  std::string_view name;
  int resource;
};
constexpr Row rows[] = {
    {"RLIMIT_AS", RLIMIT_AS},           {"RLIMIT_CORE", RLIMIT_CORE},         {"RLIMIT_CPU", RLIMIT_CPU},
    {"RLIMIT_DATA", RLIMIT_DATA},       {"RLIMIT_FSIZE", RLIMIT_FSIZE},       {"RLIMIT_LOCKS", RLIMIT_LOCKS},
    {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK}, {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE}, {"RLIMIT_NICE", RLIMIT_NICE},
    {"RLIMIT_NOFILE", RLIMIT_NOFILE},   {"RLIMIT_NPROC", RLIMIT_NPROC},       {"RLIMIT_RSS", RLIMIT_RSS},
    {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},   {"RLIMIT_RTTIME", RLIMIT_RTTIME},     {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    {"RLIMIT_STACK", RLIMIT_STACK},
};

}  // namespace

std::optional<int> rlimit_of(std::string_view name) {
  for (const auto& row : rows)
    if (row.name == name) return row.resource;
  return std::nullopt;
}

std::string_view name_of_rlimit(int resource) {
  for (const auto& row : rows)
    if (row.resource == resource) return row.name;
  return "an unknown rlimit";
}

void set_rlimits(pid_t pid, const Confinement& confinement) {
  for (const auto& limit : confinement.rlimits) {
    const std::string what = "set " + std::string(name_of_rlimit(limit.resource)) + " to " + std::to_string(limit.soft) +
                             ":" + std::to_string(limit.hard);
    try {
      sys::prlimit(pid, limit.resource, {limit.soft, limit.hard});
    } catch (const Error& error) {
      if (error.error_number() == EPERM)
        throw Error(what + ": operation not permitted: raising a hard limit needs CAP_SYS_RESOURCE, which this runtime "
                           "does not have", EPERM);
      fail_errno(what, error.error_number());
    }
  }
}

}  // namespace agentsafe::security
