#include "runtime/net/egress_probe.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "runtime/base/error.h"
#include "runtime/base/unique_fd.h"
#include "runtime/net/egress_table.h"
#include "runtime/net/nft_judge.h"
#include "runtime/net/nft_load.h"

namespace agentsafe::net {
namespace {

constexpr int loopback_index = 1;  // of every network namespace
constexpr auto probe_limit = std::chrono::seconds(1);

std::uint64_t packets_of(Netlink& netlink, const std::string& rule, nft::Family family = nft::Family::inet) {
  std::uint64_t packets = 0;
  for (const auto& count : nft::counters(netlink, egress_table_name, family))
    if (count.rule == rule) packets += count.packets;
  return packets;
}

// The errno of a TCP connect; 0: it was connected, or not refused in time.
int connect_error(const policy::Network& to, std::uint16_t port) {
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) fail_errno("open a socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  std::memcpy(&address.sin_addr, to.address.data(), sizeof address.sin_addr);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  pollfd poll{socket.get(), POLLOUT, 0};
  if (::poll(&poll, 1, static_cast<int>(std::chrono::milliseconds(probe_limit).count())) != 1) return 0;
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) fail_errno("getsockopt(SO_ERROR)");
  return error;
}

void probe_one(Netlink& netlink, const std::string& rule, const policy::Network& to, std::uint16_t port,
               bool needs_route) {
  const auto before = packets_of(netlink, rule);
  const int error = connect_error(to, port);
  if (needs_route && (error == ENETUNREACH || error == EHOSTUNREACH) && packets_of(netlink, rule) == before) return;
  if (error != 0 && packets_of(netlink, rule) > before) return;
  fail("test the packet filter: a packet to " + to_text(to) + " port " + std::to_string(port) +
       " was not refused by the rule \"" + rule + "\" (" + (error == 0 ? "no error" : errno_text(error)) +
       "); the container is not started");
}

}  // namespace

void probe(Netlink& netlink, const nft::Table& table) {
  constexpr policy::Network resolver{false, {127, 0, 0, 11}, 32};
  constexpr policy::Network metadata{false, {169, 254, 169, 254}, 32};
  probe_one(netlink, rule_name::probe, resolver, 1, false);
  const auto judgement = nft::judge(table, "out", {metadata, IPPROTO_TCP, 80});
  if (!judgement.accepted) probe_one(netlink, judgement.rule, metadata, 80, true);
}

void probe_frames(Netlink& netlink) {
  const UniqueFd socket(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) fail_errno("open a packet socket");
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_protocol = htons(ETH_P_LOOP);
  to.sll_ifindex = loopback_index;
  to.sll_halen = ETH_ALEN;
  const auto before = packets_of(netlink, rule_name::frames, nft::Family::netdev);
  const char frame[46] = {};
  const bool sent =
      ::sendto(socket.get(), frame, sizeof frame, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) >= 0;
  if (!sent && packets_of(netlink, rule_name::frames, nft::Family::netdev) > before) return;
  fail("test the packet filter: a frame was not refused by the rule \"" + std::string(rule_name::frames) +
       "\"; the container is not started");
}

}  // namespace agentsafe::net
