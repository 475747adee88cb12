// What a table would do with the first packet of a flow, without asking the kernel: `agentsafe why` answers by it, from
// the same values that are loaded.
//
//   nft::Judgement answer = nft::judge(table, "out", {*policy::parse_network("192.0.2.7"), IPPROTO_TCP, 443});
//   answer.accepted, answer.rule      // false, "not in egress.allow"
#pragma once
#include <cstdint>
#include <string>

#include "runtime/net/nft.h"
#include "runtime/policy/egress.h"

namespace agentsafe::net::nft {

struct Packet {
  policy::Network to;  // one address
  std::uint8_t protocol = 0;
  std::uint16_t port = 0;
};

struct Judgement {
  bool accepted = false;
  std::string rule;  // the first named rule that decided; empty: none with a name
};

// Starts in `chain`. Quotas and limits count as not yet reached; loopback is 127.0.0.0/8 and ::1.
[[nodiscard]] Judgement judge(const Table& table, const std::string& chain, const Packet& packet);

}  // namespace agentsafe::net::nft
