#include "runtime/net/egress_table.h"

#include <netinet/in.h>

#include <algorithm>
#include <array>

#include "runtime/base/hash.h"
#include "runtime/base/text.h"
#include "runtime/net/egress_sets.h"

namespace agentsafe::net {
namespace {

using nft::Accept;
using nft::Chain;
using nft::Count;
using nft::Drop;
using nft::Flow;
using nft::FlowIs;
using nft::Goto;
using nft::Hook;
using nft::Jump;
using nft::Rule;
using nft::Statement;
using nft::To;
using policy::EgressMode;

constexpr policy::Network resolver{false, {127, 0, 0, 11}, 32};
constexpr std::uint16_t probe_port = 1;
constexpr std::uint8_t tcp = IPPROTO_TCP;
constexpr std::uint8_t udp = IPPROTO_UDP;
// ICMPv6, RFC 4861
constexpr std::uint8_t router_solicit = 133;
constexpr std::uint8_t neighbour_solicit = 135;
constexpr std::uint8_t neighbour_advert = 136;

class Compiler {
 public:
  Compiler(const policy::Egress& egress, const Surroundings& around, std::uint32_t epoch)
      : egress_(egress), around_(around), mark_(mark_of(egress, epoch)), has_flows_(has_flows(egress, epoch)) {
    table_.name = egress_table_name;
    table_.comment = comment_of(egress, epoch);
  }

  nft::Table compile() {
    table_.chains.push_back(refuse());
    if (has_flows_) table_.chains.insert(table_.chains.end(), {accepted(), grant()});
    table_.chains.insert(table_.chains.end(), {judge(), out(), forward(), in()});
    return std::move(table_);
  }

 private:
  static Chain refuse() { return {"refuse", {}, {{"", {nft::Protocol{tcp}, nft::ResetTcp{}}}, {"", {nft::Reject{}}}}}; }

  // Every packet that leaves passes it.
  Chain accepted() const {
    Chain chain{"accepted", {}, {}};
    if (egress_.bytes)
      chain.rules.push_back({rule_name::bytes, {nft::BytesOver{*egress_.bytes}, Count{}, Goto{"refuse"}}});
    chain.rules.push_back({rule_name::accepted, {Count{}, Accept{}}});
    return chain;
  }

  // The first packet of a flow that a rule allows.
  Chain grant() const {
    Chain chain{"grant", {}, {}};
    if (egress_.connections)
      chain.rules.push_back({rule_name::connections, {nft::FlowsOver{*egress_.connections}, Count{}, Goto{"refuse"}}});
    chain.rules.push_back({"", {nft::SetMark{mark_}, Goto{"accepted"}}});
    return chain;
  }

  using Names = std::array<const char*, 2>;  // of the sets of IPv4 and IPv6

  void add_set(Chain& chain, const char* name, nft::Set set, const char* literal, const char* target) {
    if (set.elements.empty()) return;
    chain.rules.push_back({name, {nft::InSet{literal, set.v6, set.with_ports}, Count{}, Goto{target}}});
    table_.sets.push_back(std::move(set));
  }

  void add_dests(Chain& chain, const char* name, const Names& names, const std::vector<policy::Dest>& dests,
                 const char* target) {
    add_set(chain, name, destination_set(names[0], false, dests), names[0], target);
    add_set(chain, name, destination_set(names[1], true, dests), names[1], target);
  }

  void add_name_servers(Chain& chain) {
    std::vector<policy::Dest> dests;
    for (const auto& server : around_.name_servers)
      for (const auto transport : {policy::Transport::tcp, policy::Transport::udp})
        dests.push_back({transport, {}, server, 53, 53});
    add_dests(chain, rule_name::name_servers, {"resolve4", "resolve6"}, dests, "grant");
  }

  void add_denied(Chain& chain) {
    const auto denied = policy::denied_networks();
    std::vector<policy::Network> networks(denied.begin(), denied.end());
    networks.insert(networks.end(), around_.host_addresses.begin(), around_.host_addresses.end());
    add_set(chain, rule_name::denied, address_set("denied4", false, networks), "denied4", "refuse");
    add_set(chain, rule_name::denied, address_set("denied6", true, networks), "denied6", "refuse");
  }

  // Errors that the kernel sends about flows.
  static void add_icmp(Chain& chain) {
    constexpr nft::Icmp errors[] = {{false, 3}, {false, 11}, {true, 1}, {true, 3}};
    for (const auto& error : errors)
      chain.rules.push_back({"", {FlowIs{Flow::related}, error, nft::AtMost{10}, Goto{"accepted"}}});
  }

  // Answers of flows that were let in before the epoch rose; not errors about them, of which there are few.
  void add_answers(Chain& chain) const {
    if (egress_.ingress.kind == policy::Ingress::Kind::engine)
      chain.rules.push_back({"", {FlowIs{Flow::established}, nft::Answer{}, nft::SetMark{mark_}, Goto{"accepted"}}});
    for (const auto port : egress_.ingress.ports)
      for (const auto protocol : {tcp, udp})
        chain.rules.push_back({"",
                               {FlowIs{Flow::established}, nft::Answer{}, nft::Protocol{protocol},
                                nft::Port{true, port}, nft::SetMark{mark_}, Goto{"accepted"}}});
  }

  Chain judge() {
    Chain chain{"judge", {}, {}};
    if (has_flows_) chain.rules.push_back({"", {FlowIs{Flow::invalid}, Drop{}}});
    chain.rules.insert(chain.rules.end(), {{"", {nft::SourceRoute{131}, Drop{}}},
                                           {"", {nft::SourceRoute{137}, Drop{}}},
                                           {"", {nft::RoutingHeader{}, Drop{}}}});
    if (has_flows_) {
      chain.rules.push_back({"", {FlowIs{Flow::established}, nft::FlowMark{mark_}, Goto{"accepted"}}});
      add_icmp(chain);
      add_answers(chain);
    }
    add_dests(chain, rule_name::deny, {"refused4", "refused6"}, egress_.deny, "refuse");
    add_dests(chain, rule_name::internal, {"internal4", "internal6"}, egress_.internal, "grant");
    if (egress_.mode == EgressMode::open) add_name_servers(chain);
    add_denied(chain);
    add_dests(chain, rule_name::allow, {"allowed4", "allowed6"}, egress_.allow, "grant");
    if (egress_.mode == EgressMode::moderate)
      chain.rules.push_back({rule_name::moderate, {nft::Protocol{tcp}, nft::Port{false, 443}, Count{}, Goto{"grant"}}});
    if (egress_.mode == EgressMode::open) chain.rules.push_back({rule_name::open, {Count{}, Goto{"grant"}}});
    if (egress_.mode != EgressMode::open) chain.rules.push_back({rule_name::rest, {Count{}, Goto{"refuse"}}});
    return chain;
  }

  // Loopback first: it is the container's own, and refusals travel over it. But an engine's resolver listens there too
  // (Docker: on a random port), and asks the world for whoever asks it. Neighbour discovery, without which IPv6 dies;
  // never reports of multicast groups: their addresses would carry data out. A forged source would carry refusals,
  // which quote what was sent, out.
  Chain out() const {
    Chain chain{"out",
                Hook::output,
                {{rule_name::probe,
                  {To{resolver}, nft::Protocol{tcp}, nft::Port{false, probe_port}, Count{}, Goto{"refuse"}}}}};
    if (egress_.mode != EgressMode::open)
      chain.rules.push_back({rule_name::resolver, {To{resolver}, Count{}, Goto{"refuse"}}});
    chain.rules.push_back({"", {nft::Loopback{true}, Accept{}}});
    for (const auto discovery : {router_solicit, neighbour_solicit, neighbour_advert})
      chain.rules.push_back({"", {nft::FromLink{}, nft::Icmp{true, discovery}, Accept{}}});
    chain.rules.push_back({"", {nft::ForeignSource{}, Drop{}}});
    chain.rules.push_back({"", {Jump{"judge"}}});
    return chain;
  }

  static Chain forward() {
    return {"forward", Hook::forward, {{"", {nft::UnroutedSource{}, Drop{}}}, {"", {Jump{"judge"}}}}};
  }

  // What comes in: answers, and what `ingress` names: new flows, and those that were let in before the epoch rose. Refused
  // silently, since an answer would itself leave. Answers to flows that the container began are taken whatever their
  // epoch: which of these are still allowed shows when it sends next, and nothing leaves before.
  Chain in() const {
    Chain chain{"in", Hook::input, {{"", {nft::Loopback{false}, Accept{}}}}};
    if (has_flows_) {
      chain.rules.insert(chain.rules.end(),
                         {{"", {FlowIs{Flow::invalid}, Drop{}}},
                          {"", {FlowIs{Flow::established}, nft::FlowMark{mark_}, Accept{}}},
                          {"", {FlowIs{Flow::established}, nft::Answer{}, Accept{}}},
                          {"", {FlowIs{Flow::related}, nft::Protocol{IPPROTO_ICMP}, Accept{}}},
                          {"", {FlowIs{Flow::related}, nft::Protocol{IPPROTO_ICMPV6}, Accept{}}}});
    }
    for (const auto discovery : {neighbour_solicit, neighbour_advert})
      chain.rules.push_back({"", {nft::FromLink{}, nft::Icmp{true, discovery}, Accept{}}});
    for (const auto flow : {Flow::fresh, Flow::established}) {
      if (egress_.ingress.kind == policy::Ingress::Kind::engine)
        chain.rules.push_back({"", {FlowIs{flow}, nft::SetMark{mark_}, Accept{}}});
      for (const auto port : egress_.ingress.ports)
        for (const auto protocol : {tcp, udp})
          chain.rules.push_back(
              {"", {FlowIs{flow}, nft::Protocol{protocol}, nft::Port{false, port}, nft::SetMark{mark_}, Accept{}}});
    }
    return chain;
  }

  const policy::Egress& egress_;
  const Surroundings& around_;
  std::uint32_t mark_;
  bool has_flows_;
  nft::Table table_;
};

void add_server(std::vector<policy::Network>& servers, std::string_view text) {
  const auto address = policy::parse_network(text);
  constexpr policy::Network loopbacks[] = {{false, {127}, 8},
                                           {true, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128}};
  if (!address || text.find('/') != std::string_view::npos) return;  // fe80::1%eth0 and what libc does not read either
  if (std::ranges::none_of(loopbacks, [&](const auto& loopback) { return loopback.contains(*address); }))
    servers.push_back(*address);
}

}  // namespace

std::string comment_of(const policy::Egress& egress, std::uint32_t epoch) {
  // The hash tells policies apart and is no secret: only root could write another one.
  return "policy " + std::to_string(fnv1a(policy::to_json(egress))) + " epoch " + std::to_string(epoch);
}

std::uint32_t mark_of(const policy::Egress& egress, std::uint32_t epoch) {
  const std::uint64_t hash = fnv1a(comment_of(egress, epoch));
  return static_cast<std::uint32_t>(hash ^ hash >> 32) | 1U;  // never that of a flow without a mark
}

bool has_flows(const policy::Egress& egress, std::uint32_t epoch) {
  const bool grants_by_mode = egress.mode == EgressMode::moderate || egress.mode == EgressMode::open;
  return epoch > first_epoch || grants_by_mode || !egress.allow.empty() || !egress.internal.empty() ||
         egress.ingress.kind != policy::Ingress::Kind::none;
}

nft::Table egress_table(const policy::Egress& egress, const Surroundings& around, std::uint32_t epoch) {
  return Compiler(egress, around, epoch).compile();
}

nft::Table frame_table() {
  return {egress_table_name,
          "",
          {},
          {{"frames",
            Hook::egress,
            {{"", {nft::Routed{}, Accept{}}},
             {rule_name::frames, {nft::FromSocket{}, Count{}, Drop{}}},
             {"", {nft::Arp{}, Accept{}}}}}},
          nft::Family::netdev};
}

std::vector<policy::Network> name_servers(std::string_view resolv_conf) {
  constexpr std::string_view docker = "# ExtServers: [";
  std::vector<policy::Network> servers;
  for (const auto line : text::lines(resolv_conf)) {
    const auto words = text::words(line);
    if (words.size() >= 2 && words[0] == "nameserver") add_server(servers, words[1]);
    if (!line.starts_with(docker) || !line.ends_with(']')) continue;
    // "host(192.0.2.1)" is asked from the host's namespace, and no address to us
    const auto list = line.substr(docker.size(), line.size() - docker.size() - 1);
    for (const auto word : text::words(list)) add_server(servers, word);
  }
  return servers;
}

}  // namespace agentsafe::net
