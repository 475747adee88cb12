#include <algorithm>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/policy/fields.h"

namespace agentsafe::policy {
namespace {

// What is not built yet. A key is refused when it demands something: another value than that of `oci`, or the one
// named.
struct Unbuilt {
  std::string_view key;
  std::string_view value;  // as JSON; "": whatever differs from oci's
  std::string_view why;
};
constexpr Unbuilt unbuilt[] = {
    {"egress.presets", "", "needs names, which this version does not enforce: list addresses in egress.allow"},
    {"egress.dns.local", "", "needs names, which this version does not enforce: list addresses in egress.internal"},
    {"fs.workspace.mode", "\"overlay\"", "is not built in this version: say \"bind\""},
    {"fs.protect", "", "is not built in this version: list the paths in fs.readonly"},
    {"limits.wall", "", "needs the guard, which this version does not have: leave it out"},
    {"limits.cpu_time", "", "needs the guard, which this version does not have: leave it out"},
    {"audit.mode", "", "needs the guard, which this version does not have: say \"enforce\""},
    {"audit.events", "", "needs the guard, which this version does not have: leave it out"},
    {"guard", "", "needs the guard, which this version does not have: leave it out"},
};

std::vector<Dest> dests_of(const Words& list) {
  std::vector<Dest> dests;
  for (const auto& entry : list) dests.push_back(parse_dest(entry));
  return dests;
}

Ingress ingress_of(const Words& list) {
  if (list.empty()) return {};
  Ingress ingress{Ingress::Kind::ports, {}};
  for (const auto& entry : list)
    if (const auto port = text::parse<std::uint16_t>(entry)) ingress.ports.push_back(*port);
  return ingress.ports.empty() ? Ingress{Ingress::Kind::engine, {}} : ingress;
}

// "ALL" names none: what the bundle has is looked at when its plan is made.
bool names(const Policy& policy, std::string_view capability) {
  const auto& all = policy.capabilities;
  return std::find(all.begin(), all.end(), capability) != all.end();
}

}  // namespace

std::optional<Egress> egress_of(const Policy& policy) {
  const auto mode = parse_egress_mode(policy.egress_mode);
  if (!mode) return std::nullopt;
  Egress egress{.mode = *mode,
                .allow = dests_of(policy.egress_allow),
                .deny = dests_of(policy.egress_deny),
                .internal = dests_of(policy.egress_internal),
                .ingress = ingress_of(policy.ingress)};
  if (policy.egress_bytes != no_limit) egress.bytes = policy.egress_bytes;
  if (policy.egress_connections != no_limit)
    egress.connections = static_cast<std::uint32_t>(std::min<std::uint64_t>(policy.egress_connections, UINT32_MAX));
  return egress;
}

std::vector<std::string> objections(const Policy& policy) {
  const Policy plain;
  std::vector<std::string> out;
  for (const Unbuilt& row : unbuilt) {
    const std::string value = value_of(policy, row.key);
    const bool demands = row.value.empty() ? value != value_of(plain, row.key) : value == row.value;
    if (demands) out.push_back(std::string(row.key) + ": " + value + " " + std::string(row.why));
  }
  try {
    if (const auto egress = egress_of(policy)) check(*egress);
  } catch (const Error& error) {
    out.emplace_back(error.what());
  }
  if (policy.scratch == "disk" && policy.rootfs != "overlay")
    out.push_back("fs.scratch: \"disk\" goes with fs.rootfs \"overlay\", not with \"" + policy.rootfs +
                  "\": say \"tmpfs\"");
  if (names(policy, "NET_RAW") && policy.egress_mode != "off" && policy.seccomp == "none")
    out.push_back(
        "process.capabilities: NET_RAW without a seccomp profile goes around the egress rules: leave it out, name a "
        "profile in process.seccomp, or say egress.mode \"off\"");
  return out;
}

}  // namespace agentsafe::policy
