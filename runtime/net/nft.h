// The rule language of nftables as far as we use it: plain values, which are printed (as `nft list ruleset` prints
// them), loaded into the kernel (net/nft_load.h) and asked what they would do with a packet (net/nft_judge.h).
//
//   nft::Rule rule{"egress.allow", {InSet{"allow4", false}, Goto{"grant"}}};
//   nft::to_text(rule);   // ip daddr @allow4 goto grant comment "egress.allow"
//
// Names in rules are literals. Base chains are of the type filter with the policy drop. Source: nft(8).
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "runtime/policy/egress.h"

namespace agentsafe::net::nft {

// clang-format off
// --- what a packet is asked ---
struct Loopback { bool out; };                                 // oif "lo"; in: iif "lo"
enum class Flow : std::uint32_t { invalid = 1, established = 2, related = 4, fresh = 8 };  // NF_CT_STATE_BIT
struct FlowIs { Flow flow; };                                  // ct state invalid
struct FlowMark { std::uint32_t mark; };                       // ct mark 0x2b7d1e05
struct Answer {};                                              // ct direction reply
struct Protocol { std::uint8_t number; };                      // meta l4proto tcp
struct Port { bool source; std::uint16_t port; };              // tcp dport 443; behind a Protocol
struct To { policy::Network network; };                        // ip daddr 127.0.0.11
// ip daddr @deny4; with ports: ip daddr . meta l4proto . th dport @allow4
struct InSet { const char* set; bool v6; bool with_ports; };
struct Icmp { bool v6; std::uint8_t type; };                   // icmpv6 type nd-neighbor-solicit
struct FromLink {};                                            // ip6 hoplimit 255: no router has touched it
struct SourceRoute { std::uint8_t option; };                   // ip option lsrr exists
struct RoutingHeader {};                                       // exthdr rt exists
struct ForeignSource {};                                       // fib saddr type != local
struct UnroutedSource {};                                      // fib saddr . iif oif missing: answers leave elsewhere
struct Routed {};                                              // meta rtclassid >= 0: it has passed the layers of IP
struct FromSocket {};                                          // meta skuid >= 0: a program made it
struct Arp {};                                                 // meta protocol arp
struct AtMost { std::uint32_t packets; };                      // limit rate 10/second
struct BytesOver { std::uint64_t bytes; };                     // quota over 2048 mbytes
struct FlowsOver { std::uint32_t flows; };                     // ct count over 200
// --- what is done with it ---
struct Count {};                                               // counter
struct SetMark { std::uint32_t mark; };                        // ct mark set 0x2b7d1e05
struct ResetTcp {};                                            // reject with tcp reset
struct Reject {};                                              // reject with icmpx admin-prohibited
struct Accept {};
struct Drop {};
struct Jump { const char* chain; };
struct Goto { const char* chain; };
// clang-format on

using Statement = std::variant<Loopback, FlowIs, FlowMark, Answer, Protocol, Port, To, InSet, Icmp, FromLink,
                               SourceRoute, RoutingHeader, ForeignSource, UnroutedSource, Routed, FromSocket, Arp, AtMost, BytesOver, FlowsOver, Count, SetMark, ResetTcp,
                               Reject, Accept, Drop, Jump, Goto>;

struct Rule {
  const char* name;  // its comment in the kernel; errors, counters and answers speak of it. May be empty
  std::vector<Statement> statements;
};

enum class Hook : std::uint8_t { input = 1, forward = 2, output = 3, egress = 4 };  // NF_INET_…; egress: below IP

struct Chain {
  std::string name;
  std::optional<Hook> hook;  // none: reached by jump and goto
  std::vector<Rule> rules;
};

using Address = std::array<std::uint8_t, 16>;  // IPv4 in the first four bytes

// A block of addresses, and of destination ports for sets with ports. Both ends belong to it.
struct Element {
  Address first{};
  Address last{};
  std::uint8_t protocol = 0;
  std::uint16_t first_port = 0;
  std::uint16_t last_port = 0;
  auto operator<=>(const Element&) const = default;
};

// type ipv4_addr, or ipv4_addr . inet_proto . inet_service; flags interval. Elements are disjoint and sorted.
struct Set {
  std::string name;
  bool v6 = false;
  bool with_ports = false;
  std::vector<Element> elements;
};

// inet: packets of IPv4 and IPv6. netdev: the frames of every device, also of those that come or are renamed later.
enum class Family : std::uint8_t { inet = 1, netdev = 5 };  // NFPROTO_…

struct Table {
  std::string name;
  std::string comment;
  std::vector<Set> sets;
  std::vector<Chain> chains;  // in the order in which they are made: what is jumped to comes first
  Family family = Family::inet;
};

[[nodiscard]] std::string to_text(const Statement& statement);
[[nodiscard]] std::string to_text(const Rule& rule);
// Like `nft list ruleset`, with one element of a set on a line and without counters' values.
[[nodiscard]] std::string to_text(const Table& table);

}  // namespace agentsafe::net::nft
