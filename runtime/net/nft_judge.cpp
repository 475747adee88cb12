#include "runtime/net/nft_judge.h"

#include <algorithm>

namespace agentsafe::net::nft {
namespace {

constexpr policy::Network loopback4{false, {127}, 8};
constexpr policy::Network loopback6{true, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128};

// Whether a statement lets the packet go on to the next one of its rule. What ends a rule is looked at by the Judge.
struct Matches {
  const Table& table;
  const Packet& packet;

  bool operator()(const Loopback& s) const {
    return s.out && (loopback4.contains(packet.to) || loopback6.contains(packet.to));
  }
  bool operator()(const FlowIs& s) const { return s.flow == Flow::fresh; }
  bool operator()(const Protocol& s) const { return s.number == packet.protocol; }
  bool operator()(const Port& s) const { return !s.source && s.port == packet.port; }
  bool operator()(const To& s) const { return s.network.contains(packet.to); }
  bool operator()(const InSet& s) const {
    const auto set = std::ranges::find(table.sets, s.set, &Set::name);
    if (s.v6 != packet.to.v6 || set == table.sets.end()) return false;
    return std::ranges::any_of(set->elements, [&](const Element& element) {
      const bool inside = element.first <= packet.to.address && packet.to.address <= element.last;
      return inside && (!set->with_ports || (element.protocol == packet.protocol && element.first_port <= packet.port &&
                                             packet.port <= element.last_port));
    });
  }
  // other properties of a packet than those we know of it
  bool operator()(const FlowMark&) const { return false; }
  bool operator()(const Answer&) const { return false; }
  bool operator()(const Icmp&) const { return false; }
  bool operator()(const FromLink&) const { return false; }
  bool operator()(const SourceRoute&) const { return false; }
  bool operator()(const RoutingHeader&) const { return false; }
  bool operator()(const ForeignSource&) const { return false; }
  bool operator()(const UnroutedSource&) const { return false; }
  bool operator()(const Routed&) const { return true; }
  bool operator()(const FromSocket&) const { return true; }
  bool operator()(const Arp&) const { return false; }
  bool operator()(const BytesOver&) const { return false; }
  bool operator()(const FlowsOver&) const { return false; }
  template <class Action>
  bool operator()(const Action&) const {
    return true;
  }
};

class Judge {
 public:
  Judge(const Table& table, const Packet& packet) : table_(table), matches_{table, packet} {}

  // Nothing: the end of the chain was reached.
  std::optional<bool> follow(const std::string& name) {
    const auto chain = std::ranges::find(table_.chains, name, &Chain::name);
    if (chain == table_.chains.end()) return std::nullopt;
    for (const auto& rule : chain->rules) {
      if (!std::ranges::all_of(rule.statements, [&](const auto& s) { return std::visit(matches_, s); })) continue;
      if (named.empty()) named = rule.name;
      const auto& last = rule.statements.back();
      if (std::holds_alternative<Accept>(last)) return true;
      if (const auto* const to = std::get_if<Goto>(&last)) return follow(to->chain);
      if (const auto* const to = std::get_if<Jump>(&last)) {
        if (const auto verdict = follow(to->chain)) return verdict;
        continue;
      }
      return false;
    }
    return std::nullopt;
  }

  std::string named;

 private:
  const Table& table_;
  Matches matches_;
};

}  // namespace

Judgement judge(const Table& table, const std::string& chain, const Packet& packet) {
  Judge judge(table, packet);
  const bool accepted = judge.follow(chain).value_or(false);
  return {accepted, judge.named};
}

}  // namespace agentsafe::net::nft
