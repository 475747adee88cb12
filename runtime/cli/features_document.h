// The document that `features` prints. Source: features.md and features-linux.md of the runtime specification.
// Every entry says what is built in, whatever the host at hand can do; nothing is listed that is not.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "oci/json.h"

namespace agentsafe::cli::features_document {

struct Enabled {
  bool enabled = false;
};
struct Cgroup {
  bool v1 = false;
  bool v2 = false;
  bool systemd = false;
  bool systemdUser = false;
  bool rdma = false;
};
struct Seccomp {
  bool enabled = false;
  std::vector<std::string> actions;
  std::vector<std::string> operators;
  std::vector<std::string> archs;
  std::vector<std::string> knownFlags;
  std::vector<std::string> supportedFlags;
};
struct IntelRdt {
  bool enabled = false;
  bool schemata = false;
  bool monitoring = false;
};
struct MemoryPolicy {
  std::vector<std::string> modes;
  std::vector<std::string> flags;
};
struct MountExtensions {
  Enabled idmap;
};
struct Linux {
  std::vector<std::string> namespaces;
  std::vector<std::string> capabilities;
  Cgroup cgroup;
  Seccomp seccomp;
  Enabled apparmor;
  Enabled selinux;
  IntelRdt intelRdt;
  MemoryPolicy memoryPolicy;
  MountExtensions mountExtensions;
  Enabled netDevices;
};
struct Features {
  std::string ociVersionMin;
  std::string ociVersionMax;
  std::vector<std::string> hooks;
  std::vector<std::string> mountOptions;
  Linux linux;
  std::map<std::string, std::string> annotations;
  std::vector<std::string> potentiallyUnsafeConfigAnnotations;
};

[[nodiscard]] Features features();

}  // namespace agentsafe::cli::features_document

namespace agentsafe::json {
namespace document = agentsafe::cli::features_document;

template <>
inline constexpr auto fields<document::Enabled> = std::tuple{required("enabled", &document::Enabled::enabled)};
template <>
inline constexpr auto fields<document::Cgroup> =
    std::tuple{required("v1", &document::Cgroup::v1), required("v2", &document::Cgroup::v2),
               required("systemd", &document::Cgroup::systemd), required("systemdUser", &document::Cgroup::systemdUser),
               required("rdma", &document::Cgroup::rdma)};
template <>
inline constexpr auto fields<document::Seccomp> =
    std::tuple{required("enabled", &document::Seccomp::enabled),
               required("actions", &document::Seccomp::actions),
               required("operators", &document::Seccomp::operators),
               required("archs", &document::Seccomp::archs),
               required("knownFlags", &document::Seccomp::knownFlags),
               required("supportedFlags", &document::Seccomp::supportedFlags)};
template <>
inline constexpr auto fields<document::IntelRdt> =
    std::tuple{required("enabled", &document::IntelRdt::enabled), required("schemata", &document::IntelRdt::schemata),
               required("monitoring", &document::IntelRdt::monitoring)};
template <>
inline constexpr auto fields<document::MemoryPolicy> =
    std::tuple{required("modes", &document::MemoryPolicy::modes), required("flags", &document::MemoryPolicy::flags)};
template <>
inline constexpr auto fields<document::MountExtensions> =
    std::tuple{required("idmap", &document::MountExtensions::idmap)};
template <>
inline constexpr auto fields<document::Linux> =
    std::tuple{required("namespaces", &document::Linux::namespaces),
               required("capabilities", &document::Linux::capabilities),
               required("cgroup", &document::Linux::cgroup),
               required("seccomp", &document::Linux::seccomp),
               required("apparmor", &document::Linux::apparmor),
               required("selinux", &document::Linux::selinux),
               required("intelRdt", &document::Linux::intelRdt),
               required("memoryPolicy", &document::Linux::memoryPolicy),
               required("mountExtensions", &document::Linux::mountExtensions),
               required("netDevices", &document::Linux::netDevices)};
template <>
inline constexpr auto fields<document::Features> =
    std::tuple{required("ociVersionMin", &document::Features::ociVersionMin),
               required("ociVersionMax", &document::Features::ociVersionMax),
               required("hooks", &document::Features::hooks),
               required("mountOptions", &document::Features::mountOptions),
               required("linux", &document::Features::linux),
               required("annotations", &document::Features::annotations),
               required("potentiallyUnsafeConfigAnnotations", &document::Features::potentiallyUnsafeConfigAnnotations)};
}  // namespace agentsafe::json
