// Rules as nft(8) writes them. nft leaves out what follows from the rest: "ip daddr" says that the packet is IPv4, and
// "tcp dport" which protocol it is; the words of each statement here say as much as nft prints.
#include <netinet/in.h>

#include <bit>

#include "runtime/base/address_text.h"
#include "runtime/base/text.h"
#include "runtime/net/nft.h"

namespace agentsafe::net::nft {
namespace {

std::string hex(std::uint32_t number) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text = "0x00000000";
  for (std::size_t at = text.size(); at > 2; number >>= 4) text[--at] = digits[number & 15U];
  return text;
}

std::string address_text(const Address& address, bool v6) {
  return v6 ? text::v6_text(address) : text::v4_text(std::span(address).first<4>());
}

std::string protocol_text(std::uint8_t number) {
  if (number == IPPROTO_TCP) return "tcp";
  if (number == IPPROTO_UDP) return "udp";
  if (number == IPPROTO_ICMP) return "icmp";
  return number == IPPROTO_ICMPV6 ? "ipv6-icmp" : std::to_string(number);
}

std::string icmp_text(const Icmp& icmp) {
  switch (icmp.type) {
    case 1:
    case 3: return icmp.v6 == (icmp.type == 1) ? "destination-unreachable" : "time-exceeded";
    case 11: return "time-exceeded";
    case 133: return "nd-router-solicit";
    case 135: return "nd-neighbor-solicit";
    case 136: return "nd-neighbor-advert";
    default: return std::to_string(icmp.type);
  }
}

std::string flow_text(Flow flow) {
  switch (flow) {
    case Flow::invalid: return "invalid";
    case Flow::established: return "established";
    case Flow::related: return "related";
    case Flow::fresh: return "new";
  }
  return {};
}

std::string bytes_text(std::uint64_t bytes) {
  constexpr std::string_view units[] = {" bytes", " kbytes", " mbytes"};
  std::size_t unit = 0;
  for (; unit < 2 && bytes != 0 && bytes % 1024 == 0; ++unit) bytes /= 1024;
  return std::to_string(bytes) + std::string(units[unit]);
}

struct Words {
  std::string operator()(const Loopback& s) const { return s.out ? "oif \"lo\"" : "iif \"lo\""; }
  std::string operator()(const FlowIs& s) const { return "ct state " + flow_text(s.flow); }
  std::string operator()(const FlowMark& s) const { return "ct mark " + hex(s.mark); }
  std::string operator()(const Answer&) const { return "ct direction reply"; }
  std::string operator()(const Protocol& s) const { return "meta l4proto " + protocol_text(s.number); }
  std::string operator()(const Port& s) const { return (s.source ? "sport " : "dport ") + std::to_string(s.port); }
  std::string operator()(const To& s) const { return (s.network.v6 ? "ip6 daddr " : "ip daddr ") + to_text(s.network); }
  std::string operator()(const InSet& s) const {
    return (s.v6 ? "ip6 daddr " : "ip daddr ") + std::string(s.with_ports ? ". meta l4proto . th dport @" : "@") +
           s.set;
  }
  std::string operator()(const Icmp& s) const { return (s.v6 ? "icmpv6 type " : "icmp type ") + icmp_text(s); }
  std::string operator()(const FromLink&) const { return "ip6 hoplimit 255"; }
  std::string operator()(const SourceRoute& s) const {
    return std::string("ip option ") + (s.option == 131 ? "lsrr" : "ssrr") + " exists";
  }
  std::string operator()(const RoutingHeader&) const { return "exthdr rt exists"; }
  std::string operator()(const ForeignSource&) const { return "fib saddr type != local"; }
  std::string operator()(const UnroutedSource&) const { return "fib saddr . iif oif missing"; }
  std::string operator()(const Routed&) const { return "meta rtclassid >= 0"; }
  std::string operator()(const FromSocket&) const { return "meta skuid >= 0"; }
  std::string operator()(const Arp&) const { return "meta protocol arp"; }
  std::string operator()(const AtMost& s) const { return "limit rate " + std::to_string(s.packets) + "/second"; }
  std::string operator()(const BytesOver& s) const { return "quota over " + bytes_text(s.bytes); }
  std::string operator()(const FlowsOver& s) const { return "ct count over " + std::to_string(s.flows); }
  std::string operator()(const Count&) const { return "counter"; }
  std::string operator()(const SetMark& s) const { return "ct mark set " + hex(s.mark); }
  std::string operator()(const ResetTcp&) const { return "reject with tcp reset"; }
  std::string operator()(const Reject&) const { return "reject with icmpx admin-prohibited"; }
  std::string operator()(const Accept&) const { return "accept"; }
  std::string operator()(const Drop&) const { return "drop"; }
  std::string operator()(const Jump& s) const { return std::string("jump ") + s.chain; }
  std::string operator()(const Goto& s) const { return std::string("goto ") + s.chain; }
};

// The length of the prefix whose network is exactly first … last.
std::optional<unsigned> prefix_of(const Address& first, const Address& last, std::size_t size) {
  unsigned bits = 0;
  std::size_t i = 0;
  for (; i < size && first[i] == last[i]; ++i) bits += 8;
  if (i == size) return bits;
  const auto differing = static_cast<std::uint8_t>(first[i] ^ last[i]);
  const int host = std::bit_width(differing);
  const auto mask = static_cast<std::uint8_t>((1U << static_cast<unsigned>(host)) - 1);
  if (differing != mask || (first[i] & mask) != 0) return std::nullopt;
  bits += 8 - static_cast<unsigned>(host);
  for (++i; i < size; ++i)
    if (first[i] != 0 || last[i] != 255) return std::nullopt;
  return bits;
}

std::string element_text(const Set& set, const Element& element) {
  const std::size_t size = set.v6 ? 16 : 4;
  std::string text = address_text(element.first, set.v6);
  const auto prefix = prefix_of(element.first, element.last, size);
  if (!prefix) text += "-" + address_text(element.last, set.v6);
  if (prefix && *prefix < size * 8) text += "/" + std::to_string(*prefix);
  if (!set.with_ports) return text;
  text += " . " + protocol_text(element.protocol) + " . " + std::to_string(element.first_port);
  return element.first_port == element.last_port ? text : text + "-" + std::to_string(element.last_port);
}

std::string set_text(const Set& set) {
  std::string text = "\tset " + set.name + " {\n\t\ttype " + (set.v6 ? "ipv6_addr" : "ipv4_addr") +
                     (set.with_ports ? " . inet_proto . inet_service" : "") + "\n\t\tflags interval\n\t\telements = { ";
  for (const auto& element : set.elements) text += element_text(set, element) + ",\n\t\t\t     ";
  text.resize(text.rfind(','));
  return text + " }\n\t}\n\n";
}

std::string chain_text(const Chain& chain) {
  constexpr std::string_view hooks[] = {"", "input", "forward", "output", "egress device \"*\""};
  std::string text = "\tchain " + chain.name + " {\n";
  if (chain.hook)
    text.append("\t\ttype filter hook ")
        .append(hooks[static_cast<std::size_t>(*chain.hook)])
        .append(" priority filter; policy drop;\n");
  for (const auto& rule : chain.rules) text += "\t\t" + to_text(rule) + "\n";
  return text + "\t}\n\n";
}

}  // namespace

std::string to_text(const Statement& statement) { return std::visit(Words{}, statement); }

std::string to_text(const Rule& rule) {
  std::string text;
  for (std::size_t i = 0; i < rule.statements.size(); ++i) {
    const auto* const protocol = std::get_if<Protocol>(&rule.statements[i]);
    const bool before_port =
        protocol != nullptr && i + 1 < rule.statements.size() && std::holds_alternative<Port>(rule.statements[i + 1]);
    text += (before_port ? protocol_text(protocol->number) : to_text(rule.statements[i])) + " ";
  }
  if (*rule.name != '\0') return text + "comment \"" + rule.name + "\"";
  text.pop_back();
  return text;
}

std::string to_text(const Table& table) {
  std::string text = (table.family == Family::inet ? "table inet " : "table netdev ") + table.name + " {\n";
  if (!table.comment.empty()) text += "\tcomment \"" + table.comment + "\"\n";
  for (const auto& set : table.sets) text += set_text(set);
  for (const auto& chain : table.chains) text += chain_text(chain);
  text.pop_back();
  return text + "}\n";
}

}  // namespace agentsafe::net::nft
