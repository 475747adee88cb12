// Real packets that a packet filter must refuse and count, before anything of the container runs. For the helper inside
// its network namespace. An errno alone would prove nothing: nobody listens at these addresses either.
#pragma once
#include "runtime/net/netlink.h"
#include "runtime/net/nft.h"

namespace agentsafe::net {

// To the address of the engine's resolver; and to that of the cloud's metadata, where there is a route and `table` does
// not accept it. Throws naming the address and the rule that has not counted.
void probe(Netlink& netlink, const nft::Table& table);
// A frame of our own on loopback, for the table of the frames.
void probe_frames(Netlink& netlink);

}  // namespace agentsafe::net
