// Tables of nft.h in the kernel, through a socket of NETLINK_NETFILTER in the network namespace that is meant.
//
//   Netlink netlink(NETLINK_NETFILTER);
//   nft::load(netlink, table, nft::Existing::replaced, nft::generation_of(netlink));   // one transaction
//   for (const auto& count : nft::counters(netlink, table.name)) …
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "runtime/net/netlink.h"
#include "runtime/net/nft.h"

namespace agentsafe::net::nft {

enum class Existing : std::uint8_t { refused, replaced };

// Counts the transactions of the namespace. Whoever looks before loading hands over the one in which it looked.
[[nodiscard]] std::uint32_t generation_of(Netlink& netlink);
// Of a namespace in which nobody has loaded anything yet: it has no tables.
inline constexpr std::uint32_t untouched_generation = 1;
// Calls `body` with the current generation; anew, a few times, while it throws that the generation has passed
// (ERESTART).
void in_generation(Netlink& netlink, const std::function<void(std::uint32_t)>& body);

// All of it or nothing; then reads it back. Throws Error naming the table, set, chain or rule that the kernel refused,
// and the expression when it has none of that name. ERESTART: somebody has changed rules since `generation`.
void load(Netlink& netlink, const Table& table, Existing existing, std::uint32_t generation);
// Throws when the kernel's table is not this one; counters' values do not matter. Elements of sets without ports are
// left out on wish: the host's own addresses change.
void verify(Netlink& netlink, const Table& table, bool with_addresses = true);
void remove(Netlink& netlink, const std::string& table, Family family = Family::inet);

// The comment of a table; nothing when there is no such table.
[[nodiscard]] std::optional<std::string> comment_of(Netlink& netlink, const std::string& table,
                                                    Family family = Family::inet);

struct RuleCount {
  std::string rule;  // its name
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
};
// Of the rules with a name and a counter, in the order of the table.
[[nodiscard]] std::vector<RuleCount> counters(Netlink& netlink, const std::string& table, Family family = Family::inet);

}  // namespace agentsafe::net::nft
