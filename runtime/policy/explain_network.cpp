// What a policy does to the network, in the words of explain.
#include "runtime/base/text.h"
#include "runtime/policy/amounts.h"
#include "runtime/policy/explain.h"

namespace agentsafe::policy {
namespace {

struct Mode {
  std::string_view word;
  std::string_view lets_out;
};
constexpr Mode modes[] = {
    {"none", "nothing but to the container's own loopback"},
    {"strict", "nothing but what egress.allow and egress.internal list"},
    {"moderate", "TCP to port 443 of public addresses, and what egress.allow and egress.internal list"},
    {"open", "all to public addresses and to the name servers of resolv.conf, and what egress.internal lists"},
};

std::string_view lets_out(std::string_view mode) {
  for (const Mode& row : modes)
    if (row.word == mode) return row.lets_out;
  return "";
}

std::string denied() {
  std::string list;
  for (const Network& network : denied_networks()) list += to_text(network) + " ";
  return list + "and the host's own addresses";
}

std::string entering(const Words& ingress) {
  if (ingress.empty()) return "nothing";
  if (ingress.front() == "engine") return "all: whoever can reach the container can read what it serves";
  return "TCP and UDP to port " + text::join(ingress, ", ");
}

}  // namespace

std::vector<Change> network_changes(const Policy& policy) {
  if (policy.egress_mode == "off") return {};
  std::vector<Change> all;
  const auto add = [&](const char* property, const char* before, std::string after, std::string_view key,
                       const char* why) {
    all.push_back({std::string("network ") + property, before, std::move(after), key, why});
  };
  constexpr const char* everything_goes = "everything";
  add("out", everything_goes, std::string(lets_out(policy.egress_mode)), "egress.mode",
      "what a program can read, it can send away");
  if (!policy.egress_allow.empty())
    add("out to", "", text::join(policy.egress_allow, " "), "egress.allow", "these destinations are public");
  if (!policy.egress_internal.empty())
    add("out to, though never public", "", text::join(policy.egress_internal, " "), "egress.internal",
        "these destinations are named in so many words");
  if (!policy.egress_deny.empty())
    add("never out to", "", text::join(policy.egress_deny, " "), "egress.deny", "this wins over all that is allowed");
  add("never out to, unless internal", "", denied(), "egress.mode",
      "private networks, metadata services and the host trust whoever reaches them");
  if (policy.egress_mode != "open")
    add("names", everything_goes, "refused: port 53 and 127.0.0.11 are closed; use addresses, or /etc/hosts",
        "egress.mode", "questions to a name server carry data out");
  if (policy.egress_bytes != no_limit)
    add("bytes out", "unlimited", amount_text(policy.egress_bytes, Kind::size), "egress.bytes", "a leak must end");
  if (policy.egress_connections != no_limit)
    add("open connections", "unlimited", amount_text(policy.egress_connections, Kind::count), "egress.connections",
        "a flood must end");
  add("in", everything_goes, entering(policy.ingress), "ingress", "answers to what comes in leave the container");
  return all;
}

}  // namespace agentsafe::policy
