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

NamespaceFacts namespace_facts(const Spec& spec, const HostNamespaces& host) {
  NamespaceFacts facts;
  if (!spec.linux) return facts;
  for (const auto& ns : spec.linux->namespaces) {
    const bool apart = host.count(ns.type) == 0;
    const bool created = ns.path.empty();
    if (ns.type == "user") facts.user = apart, facts.new_user = created;
    if (ns.type == "network") facts.network = apart;
    if (ns.type == "ipc") facts.ipc = apart;
    if (ns.type == "uts") facts.uts = apart;
    if (ns.type == "mount") facts.mount = apart;
    if (ns.type == "time") facts.new_time = created;
  }
  return facts;
}

}  // namespace agentsafe::oci
