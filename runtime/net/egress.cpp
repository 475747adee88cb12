#include "runtime/net/egress.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/base/wire.h"
#include "runtime/net/inside.h"
#include "runtime/net/nft_judge.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"

template <>
inline constexpr auto agentsafe::wire::members<agentsafe::net::nft::RuleCount> =
    std::tuple{&agentsafe::net::nft::RuleCount::rule, &agentsafe::net::nft::RuleCount::packets,
               &agentsafe::net::nft::RuleCount::bytes};

namespace agentsafe::net {
namespace {

constexpr int loopback_index = 1;  // of every network namespace
constexpr auto probe_limit = std::chrono::seconds(1);

void bring_loopback_up() {
  Netlink netlink;
  Message message(RTM_NEWLINK);
  auto& header = message.payload<ifinfomsg>();
  header.ifi_index = loopback_index;
  header.ifi_change = IFF_UP;
  header.ifi_flags = IFF_UP;
  in_context("bring loopback up", [&] { netlink.request(message); });
}

// --- sysctls ---------------------------------------------------------------------------------------------------------

void write_sysctl(const std::string& path, std::string_view value) {
  sys::write_all(sys::openat(sys::at_cwd, "/proc/sys/net/" + path, O_WRONLY | O_NOFOLLOW), value);
}

// A router advertisement would bring routes that nobody has configured; a flow that conntrack picks up in the middle
// was never judged.
void set_sysctls() {
  const UniqueFd devices = sys::try_openat(sys::at_cwd, "/proc/sys/net/ipv6/conf", O_RDONLY | O_DIRECTORY);
  if (devices)  // missing: a kernel without IPv6
    for (const auto& device : sys::list_directory(devices)) write_sysctl("ipv6/conf/" + device + "/accept_ra", "0");
  write_sysctl("netfilter/nf_conntrack_tcp_loose", "0");
}

// --- the self-probe --------------------------------------------------------------------------------------------------

std::uint64_t packets_of(Netlink& netlink, const std::string& rule) {
  std::uint64_t packets = 0;
  for (const auto& count : nft::counters(netlink, egress_table_name))
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

// The errno alone proves nothing: nobody listens there either. The rule must have counted the packet.
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

void probe(Netlink& netlink, const nft::Table& table) {
  constexpr policy::Network resolver{false, {127, 0, 0, 11}, 32};
  constexpr policy::Network metadata{false, {169, 254, 169, 254}, 32};
  probe_one(netlink, rule_name::probe, resolver, 1, false);
  const auto judgement = nft::judge(table, "out", {metadata, IPPROTO_TCP, 80});
  if (!judgement.accepted) probe_one(netlink, judgement.rule, metadata, 80, true);
}

// --- the table -------------------------------------------------------------------------------------------------------

std::uint32_t epoch_in(const std::string& comment) {
  const auto epoch = text::parse<std::uint32_t>(std::string_view(comment).substr(comment.rfind(' ') + 1));
  if (!epoch)
    fail("the table \"agentsafe\" of the network namespace is not ours: its comment is \"" + text::escaped(comment) +
         "\"");
  return *epoch;
}

void keep_equal(Netlink& netlink, const policy::Egress& egress, const Surroundings& around,
                const std::string& comment) {
  const std::uint32_t epoch = epoch_in(comment);
  if (comment != comment_of(egress, epoch))
    fail(
        "the network namespace has the packet filter of a container with another policy; containers that share a "
        "network "
        "need equal `egress` and `ingress`");
  nft::verify(netlink, egress_table(egress, around, epoch), false);
}

std::uint64_t bytes_accepted(const std::vector<nft::RuleCount>& counts) {
  const auto accepted = std::ranges::find(counts, rule_name::accepted, &nft::RuleCount::rule);
  return accepted == counts.end() ? 0 : accepted->bytes;
}

void replace_here(const policy::Egress& egress, const Surroundings& around) {
  Netlink netlink(NETLINK_NETFILTER);
  const auto comment = nft::comment_of(netlink, egress_table_name);
  if (!comment) fail("the container has no packet filter: it was made without an egress policy");
  auto table = egress_table(egress, around, epoch_in(*comment) + 1);
  const auto used = bytes_accepted(nft::counters(netlink, egress_table_name));
  for (auto& chain : table.chains)
    for (auto& rule : chain.rules)
      for (auto& statement : rule.statements)
        if (auto* const quota = std::get_if<nft::BytesOver>(&statement)) quota->bytes -= std::min(used, quota->bytes);
  nft::load(netlink, table, nft::Existing::replaced);
}

}  // namespace

void Egress::install(const policy::Egress& egress, const Surroundings& around) const {
  const auto work = [&] {
    Netlink netlink(NETLINK_NETFILTER);
    if (const auto comment = nft::comment_of(netlink, egress_table_name)) {
      keep_equal(netlink, egress, around, *comment);
      return std::string();
    }
    const auto table = egress_table(egress, around, first_epoch);
    nft::load(netlink, table, nft::Existing::refused);
    bring_loopback_up();
    set_sysctls();
    probe(netlink, table);
    return std::string();
  };
  in_context("egress", [&] { inside(netns_, work, userns_); });
}

void Egress::replace(const policy::Egress& egress, const Surroundings& around) const {
  const auto work = [&] {
    replace_here(egress, around);
    return std::string();
  };
  in_context("egress", [&] { inside(netns_, work, userns_); });
}

void Egress::remove() const {
  inside(
      netns_,
      [] {
        Netlink netlink(NETLINK_NETFILTER);
        nft::remove(netlink, egress_table_name);
        return std::string();
      },
      userns_);
}

std::vector<nft::RuleCount> Egress::counts() const {
  const auto bytes = inside(
      netns_,
      [] {
        Netlink netlink(NETLINK_NETFILTER);
        return wire::encode(nft::counters(netlink, egress_table_name));
      },
      userns_);
  return wire::decode<std::vector<nft::RuleCount>>(bytes);
}

bool Egress::exists() const {
  return inside(
             netns_,
             [] {
               Netlink netlink(NETLINK_NETFILTER);
               return std::string(nft::comment_of(netlink, egress_table_name) ? "yes" : "no");
             },
             userns_) == "yes";
}

bool is_own_network(FdRef netns) {
  const auto theirs = sys::fstat(netns);
  const auto ours = sys::fstat(sys::openat(sys::at_cwd, "/proc/self/ns/net", O_RDONLY));
  return theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev;
}

std::vector<policy::Network> host_addresses() {
  std::vector<policy::Network> addresses;
  Netlink netlink;
  Message message(RTM_GETADDR);
  message.payload<ifaddrmsg>();
  netlink.dump(message, [&](const nlmsghdr* answer) {
    const auto& header = *static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(answer));
    if (header.ifa_index == loopback_index || (header.ifa_family != AF_INET && header.ifa_family != AF_INET6)) return;
    policy::Network address{header.ifa_family == AF_INET6, {}, 0};
    address.prefix = static_cast<std::uint8_t>(address.size() * 8);
    const std::uint16_t wanted = address.v6 ? IFA_ADDRESS : IFA_LOCAL;  // of IPv4, IFA_ADDRESS may be the peer's
    for_each_attribute<ifaddrmsg>(answer, [&](const nlattr* attribute) {
      if (mnl_attr_get_type(attribute) != wanted || mnl_attr_get_payload_len(attribute) != address.size()) return;
      std::memcpy(address.address.data(), mnl_attr_get_payload(attribute), address.size());
      addresses.push_back(address);
    });
  });
  return addresses;
}

}  // namespace agentsafe::net
