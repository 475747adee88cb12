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

using Counts = std::vector<nft::RuleCount>;

std::uint64_t packets_of(const Counts& counts, const std::string& rule) {
  std::uint64_t packets = 0;
  for (const auto& count : counts)
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

struct Probe {
  std::string rule;  // that must refuse it; each probe has another one
  policy::Network to;
  std::uint16_t port;
  bool needs_route;
  int error = 0;
};

void check(const Probe& probe, const Counts& before, const Counts& after) {
  const bool is_counted = packets_of(after, probe.rule) > packets_of(before, probe.rule);
  const bool has_no_route = probe.error == ENETUNREACH || probe.error == EHOSTUNREACH;
  if (probe.error != 0 && (is_counted || (probe.needs_route && has_no_route))) return;
  fail("test the packet filter: a packet to " + to_text(probe.to) + " port " + std::to_string(probe.port) +
       " was not refused by the rule \"" + probe.rule + "\" (" +
       (probe.error == 0 ? "no error" : errno_text(probe.error)) + "); the container is not started");
}

}  // namespace

void probe(Netlink& netlink, const nft::Table& table) {
  constexpr policy::Network resolver{false, {127, 0, 0, 11}, 32};
  constexpr policy::Network metadata{false, {169, 254, 169, 254}, 32};
  std::vector<Probe> probes{{rule_name::probe, resolver, 1, false}};
  auto judgement = nft::judge(table, "out", {metadata, IPPROTO_TCP, 80});
  if (!judgement.accepted) probes.push_back({std::move(judgement.rule), metadata, 80, true});
  const auto before = nft::counters(netlink, egress_table_name);
  for (auto& probe : probes) probe.error = connect_error(probe.to, probe.port);
  const auto after = nft::counters(netlink, egress_table_name);
  for (const auto& probe : probes) check(probe, before, after);
}

void probe_frames(Netlink& netlink) {
  const UniqueFd socket(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) fail_errno("open a packet socket");
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_protocol = htons(ETH_P_LOOP);
  to.sll_ifindex = loopback_index;
  to.sll_halen = ETH_ALEN;
  const auto frames = [&] {
    return packets_of(nft::counters(netlink, egress_table_name, nft::Family::netdev), rule_name::frames);
  };
  const auto before = frames();
  const char frame[46] = {};
  const bool sent =
      ::sendto(socket.get(), frame, sizeof frame, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) >= 0;
  if (!sent && frames() > before) return;
  fail("test the packet filter: a frame was not refused by the rule \"" + std::string(rule_name::frames) +
       "\"; the container is not started");
}

}  // namespace agentsafe::net
