#include "runtime/policy/presets.h"

#include <algorithm>

namespace agentsafe::policy {
namespace {

constexpr Preset table[] = {
    {"strict", "nothing leaves but what is named; the image is not written; few privileges, bounded resources",
     R"({"version": 1, "extends": "oci",
 "ingress": "auto", "host_namespaces": [], "privileged": false, "engine_sockets": false,
 "egress": {"mode": "strict", "names": "relay"},
 "fs": {"rootfs": "overlay", "scratch": "tmpfs"},
 "limits": {"memory": "4G", "swap": "0", "cpus": "half", "pids": 512, "open_files": 65536, "core": "0"},
 "process": {"capabilities": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "SETUID", "SETGID", "KILL",
                              "NET_BIND_SERVICE", "SETPCAP"],
             "seccomp": "agent-default", "no_new_privileges": true, "userns": "auto"}})"},
    {"moderate", "as strict, but HTTPS to public addresses may leave",
     R"({"version": 1, "extends": "strict", "egress": {"mode": "moderate"}})"},
    {"open", "as strict, but all may leave except to internal networks and metadata services",
     R"({"version": 1, "extends": "strict", "egress": {"mode": "open"}})"},
    {"oci", "what config.json says: nothing added, nothing removed", R"({"version": 1})"},
};

}  // namespace

std::span<const Preset> presets() { return table; }

const Preset* find_preset(std::string_view name) {
  const auto found =
      std::find_if(std::begin(table), std::end(table), [&](const Preset& row) { return row.name == name; });
  return found != std::end(table) ? found : nullptr;
}

}  // namespace agentsafe::policy
