// A table as nfnetlink messages. Source: linux/netfilter/nf_tables.h; what `nft --debug=netlink` shows.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "runtime/net/netlink.h"
#include "runtime/net/nft.h"

namespace agentsafe::net::nft {

// One message of a batch, and what it is about; the table that it is of outlives it.
struct Step {
  Message message;
  std::string_view kind;  // table, set …
  std::string_view name;
  const Rule* rule = nullptr;  // of the chain `name`
};

// In the order in which the kernel takes them: table, sets with their elements, chains, rules.
[[nodiscard]] std::vector<Step> encode(const Table& table);
// Deletes the table with everything in it.
[[nodiscard]] Step encode_deletion(std::string_view table, Family family = Family::inet);

// A message of the nftables subsystem, with its family header.
[[nodiscard]] Message nft_message(int type, int flags = 0, Family family = Family::inet);

}  // namespace agentsafe::net::nft
