// A table as nfnetlink messages. Source: linux/netfilter/nf_tables.h; what `nft --debug=netlink` shows.
#pragma once
#include <string>
#include <vector>

#include "runtime/net/netlink.h"
#include "runtime/net/nft.h"

namespace agentsafe::net::nft {

// One message of a batch, and what it is about: `rule "egress.allow" (tcp dport 443 accept) of the chain "judge"`.
struct Step {
  Message message;
  std::string about;
};

// In the order in which the kernel takes them: table, sets with their elements, chains, rules.
[[nodiscard]] std::vector<Step> encode(const Table& table);
// Deletes the table with everything in it.
[[nodiscard]] Step encode_deletion(const std::string& table, Family family = Family::inet);

// A message of the nftables subsystem, with its family header.
[[nodiscard]] Message nft_message(int type, int flags = 0, Family family = Family::inet);

}  // namespace agentsafe::net::nft
