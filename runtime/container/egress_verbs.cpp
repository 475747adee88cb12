// egress show, egress set and why: what may leave a container, asked and changed while it runs.
#include <utility>

#include "oci/json.h"
#include "runtime/base/error.h"
#include "runtime/base/scope.h"
#include "runtime/base/text.h"
#include "runtime/container/egress.h"
#include "runtime/container/egress_json.h"
#include "runtime/net/nft_judge.h"

namespace agentsafe::container {
namespace {

policy::Egress rules_of(const Container& container) {
  if (!container.record.egress)
    fail("container " + container.record.id + " has no egress rules: its policy has egress.mode \"off\"");
  return policy::read_egress(*container.record.egress);
}

net::nft::Table table_of(const Container& container, const policy::Egress& rules) {
  const auto around = surroundings_of(rules, container.dir.load_config(), container.record.bundle);
  return net::egress_table(rules, around, net::first_epoch);
}

// `egress set` may have been killed before it wrote down what it had put in force. Containers that share a network have
// one packet filter; `egress set` through another one has changed ours as well.
policy::Egress rules_in_force(const Container& container) {
  auto rules = rules_of(container);
  if (!container.init()) return rules;
  const auto egress = network_egress(container);
  if (egress.enforces(rules)) return rules;
  if (container.record.egressPending) {
    auto pending = policy::read_egress(*container.record.egressPending);
    if (egress.enforces(pending)) return pending;
  }
  const std::string& id = container.record.id;
  fail("the egress rules of container " + id + " were changed through another one that shares its network, " +
       "or by somebody else: ask that one, or `agentsafe egress set " + id + " FILE`");
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

}  // namespace

std::string egress_show(Runtime& runtime, const std::string& id, bool json) {
  const Container container = open_container(runtime, id);
  const auto rules = rules_in_force(container);
  const auto counts = container.init() ? egress_counts(container) : std::vector<net::nft::RuleCount>();
  if (json) return egress_report_json(id, policy::to_json(rules), counts) + "\n";
  std::string text = policy::to_json(rules) + "\n";
  if (!counts.empty()) text += padded("RULE", 42) + padded("PACKETS", 12) + "BYTES\n";
  for (const auto& count : counts)
    text += padded(count.rule, 42) + padded(std::to_string(count.packets), 12) + std::to_string(count.bytes) + "\n";
  return text;
}

void egress_set(Runtime& runtime, const std::string& id, std::string_view json) {
  policy::Egress next = policy::read_egress(json);
  Container container = lock_container(runtime, id);
  (void)container.running_init();
  const auto before = rules_of(container);
  if (json::parse(json).root().find("ingress") == nullptr) next.ingress = before.ingress;
  const auto around = surroundings_of(next, container.dir.load_config(), container.record.bundle);
  container.record.egressPending = policy::to_json(next);
  container.dir.save(container.record);  // first: whatever ends us, the rules in force are one of the two
  OnExit forget([&] {
    container.record.egressPending.reset();
    container.dir.save(container.record);
  });
  network_egress(container).replace(next, around);
  forget.keep();
  container.record.egress = std::exchange(container.record.egressPending, std::nullopt);
  container.dir.save(container.record);
}

std::string why_connect(Runtime& runtime, const std::string& id, std::string_view to) {
  const auto dest = policy::parse_dest(to);
  if (!dest.name.empty())
    fail("\"" + dest.name +
         "\" is a name, and this version has no name front yet: ask for an address, as 192.0.2.7:443");
  if (dest.first_port != dest.last_port || dest.network.prefix != dest.network.size() * 8)
    fail("\"" + text::escaped(to) + "\" is more than one address and port: ask for one, as 192.0.2.7:443");
  const Container container = open_container(runtime, id);
  if (!container.record.egress) return "allowed: the policy of container " + id + " has egress.mode \"off\"\n";
  const auto rules = rules_in_force(container);
  const net::nft::Packet packet{dest.network, static_cast<std::uint8_t>(dest.transport), dest.first_port};
  const auto judgement = net::nft::judge(table_of(container, rules), "out", packet);
  const std::string rule = judgement.rule.empty() ? "the container's own loopback" : judgement.rule;
  if (judgement.accepted) return "allowed: " + rule + "\n";
  std::string answer = "refused: " + rule + " (egress.mode " + std::string(policy::to_text(rules.mode)) + ")\n";
  const bool is_public = policy::denied_network_of(dest.network) == nullptr;
  if (judgement.rule == net::rule_name::rest || judgement.rule == net::rule_name::denied)
    answer += "to allow it: put \"" + to_text(dest) + "\" into egress." +
              (is_public && judgement.rule == net::rule_name::rest ? "allow" : "internal") +
              ", or `agentsafe egress set " + id + " FILE`\n";
  return answer;
}

}  // namespace agentsafe::container
