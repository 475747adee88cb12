#include "oci/host_namespaces.h"

#include <sys/stat.h>

namespace agentsafe::oci {
namespace {

struct Row {
  std::string_view type;
  const char* own;
};
constexpr Row rows[] = {{"pid", "/proc/self/ns/pid"},       {"network", "/proc/self/ns/net"},
                        {"mount", "/proc/self/ns/mnt"},     {"ipc", "/proc/self/ns/ipc"},
                        {"uts", "/proc/self/ns/uts"},       {"user", "/proc/self/ns/user"},
                        {"cgroup", "/proc/self/ns/cgroup"}, {"time", "/proc/self/ns/time"}};

bool is_same_file(const char* a, const char* b) {
  struct stat first {};
  struct stat second {};
  return ::stat(a, &first) == 0 && ::stat(b, &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

}  // namespace

HostNamespaces host_namespaces(const Spec& spec) {
  HostNamespaces found;
  if (!spec.linux) return found;
  for (const auto& ns : spec.linux->namespaces)
    for (const auto& row : rows)
      if (ns.type == row.type && !ns.path.empty() && is_same_file(ns.path.c_str(), row.own)) found.insert(ns.type);
  return found;
}

}  // namespace agentsafe::oci
