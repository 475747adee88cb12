// The packet filter of a container's network namespace, compiled from its policy. Pure: no effects.
//
//   Surroundings around{host_addresses(), name_servers("nameserver 10.0.0.53\n")};
//   nft::Table table = egress_table(policy.egress, around, first_epoch);
//   std::cout << nft::to_text(table);                         // what `nft list ruleset` will show
//
// Packets to and from the outside, and those that a nested namespace sends through the container, pass the chain
// `judge`: nothing that is not named here leaves, what is refused is answered at once (a TCP reset, or ICMP
// "administratively prohibited"). An accepted flow carries the epoch as its conntrack mark; flows of an older epoch are
// judged again, so that rules that replace others also cut what they no longer allow.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/net/nft.h"
#include "runtime/policy/egress.h"

namespace agentsafe::net {

inline constexpr const char* egress_table_name = "agentsafe";
inline constexpr std::uint32_t first_epoch = 1;

// What is known of the host when the container is made.
struct Surroundings {
  std::vector<policy::Network> host_addresses;  // never destinations, unless `internal` names them
  std::vector<policy::Network> name_servers;    // that mode `open` may ask, even inside the denied networks
  bool raw_sockets = false;                     // the container has CAP_NET_RAW
};

// The names of rules that decide: comments in the kernel, words in `why` and `egress show`.
namespace rule_name {
inline constexpr const char* probe = "self-probe";
inline constexpr const char* resolver = "engine's resolver 127.0.0.11";
inline constexpr const char* accepted = "accepted";
inline constexpr const char* allow = "egress.allow";
inline constexpr const char* internal = "egress.internal";
inline constexpr const char* deny = "egress.deny";
inline constexpr const char* denied = "private, reserved and host addresses";
inline constexpr const char* name_servers = "name servers";
inline constexpr const char* moderate = "egress.mode moderate";
inline constexpr const char* open = "egress.mode open";
inline constexpr const char* bytes = "egress.bytes";
inline constexpr const char* connections = "egress.connections";
inline constexpr const char* rest = "not in egress.allow";
inline constexpr const char* frames = "frames of programs";
}  // namespace rule_name

// Whether there can be flows: the policy lets some begin, out or in, or those before it may have. Where there are none, the
// table asks nothing about flows: the kernel need not track any, which it does at the price of four more hooks.
[[nodiscard]] bool has_flows(const policy::Egress& egress, std::uint32_t epoch);
// The conntrack mark of the flows of an epoch. Policies have marks of their own: in a network namespace that outlives a
// container, what its policy let out must not pass for a flow of the next one's, whose epochs begin at one again.
[[nodiscard]] std::uint32_t mark_of(const policy::Egress& egress, std::uint32_t epoch);

[[nodiscard]] nft::Table egress_table(const policy::Egress& egress, const Surroundings& around, std::uint32_t epoch);

// Frames that a program makes itself (AF_PACKET, by CAP_NET_RAW) reach no chain of the table above. This one, of the
// family netdev, sees what leaves through any device, and lets through what has passed IP's layers, and ARP of the
// kernel.
[[nodiscard]] nft::Table frame_table();

// The table's comment, "policy 91b2… epoch 3": tables of equal policies have equal first parts.
[[nodiscard]] std::string comment_of(const policy::Egress& egress, std::uint32_t epoch);

// The addresses of a resolv.conf's `nameserver` lines but 127.0.0.0/8 and ::1, and those in the comment "# ExtServers"
// of Docker's, whose resolver asks them from inside the container's namespace.
[[nodiscard]] std::vector<policy::Network> name_servers(std::string_view resolv_conf);

}  // namespace agentsafe::net
