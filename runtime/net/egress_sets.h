// Blocks of addresses and ports as the elements of sets: disjoint, because the kernel refuses overlaps, and sorted.
#pragma once
#include <span>
#include <string>

#include "runtime/net/nft.h"
#include "runtime/policy/egress.h"

namespace agentsafe::net {

// The addresses of one family that lie in any of the networks; neighbours are joined.
[[nodiscard]] nft::Set address_set(std::string name, bool v6, std::span<const policy::Network> networks);
// The destinations of one family: exactly the packets that any of them names.
[[nodiscard]] nft::Set destination_set(std::string name, bool v6, std::span<const policy::Dest> dests);

}  // namespace agentsafe::net
