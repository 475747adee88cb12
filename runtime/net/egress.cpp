#include "runtime/net/egress.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <cstring>

#include "runtime/base/error.h"
#include "runtime/base/scope.h"
#include "runtime/base/text.h"
#include "runtime/base/wire.h"
#include "runtime/net/egress_probe.h"
#include "runtime/net/inside.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"

template <>
inline constexpr auto agentsafe::wire::members<agentsafe::net::nft::RuleCount> =
    std::tuple{&agentsafe::net::nft::RuleCount::rule, &agentsafe::net::nft::RuleCount::packets,
               &agentsafe::net::nft::RuleCount::bytes};

namespace agentsafe::net {
namespace {

constexpr int loopback_index = 1;  // of every network namespace

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

// A flow that conntrack picks up in the middle was never judged; a helper (automatic ones: before Linux 6.0) would declare
// flows related to others. Missing before the first rule about flows has loaded conntrack.
void track_strictly(bool has_flows) {
  if (has_flows || sys::try_fstatat(sys::at_cwd, "/proc/sys/net/netfilter/nf_conntrack_tcp_loose"))
    write_sysctl("netfilter/nf_conntrack_tcp_loose", "0");
  if (sys::try_fstatat(sys::at_cwd, "/proc/sys/net/netfilter/nf_conntrack_helper"))
    write_sysctl("netfilter/nf_conntrack_helper", "0");
}

// It would bring routes that nobody has configured.
void refuse_router_advertisements() {
  const UniqueFd devices = sys::try_openat(sys::at_cwd, "/proc/sys/net/ipv6/conf", O_RDONLY | O_DIRECTORY);
  if (devices)  // missing: a kernel without IPv6
    for (const auto& device : sys::list_directory(devices)) write_sysctl("ipv6/conf/" + device + "/accept_ra", "0");
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

// Also of a container of other runtimes (hooks/), so that nobody else may have left something there.
bool install_frames(Netlink& netlink) {
  constexpr auto netdev = nft::Family::netdev;
  bool is_new = false;
  nft::in_generation(netlink, [&](std::uint32_t generation) {
    is_new = !nft::comment_of(netlink, egress_table_name, netdev);
    if (is_new)
      nft::load(netlink, frame_table(), nft::Existing::refused, generation);
    else
      nft::verify(netlink, frame_table());
  });
  return is_new;
}

void remove_if_there(Netlink& netlink, nft::Family family) {
  if (nft::comment_of(netlink, egress_table_name, family)) nft::remove(netlink, egress_table_name, family);
}

// Whether the table was made; an equal one that is there is kept.
bool install_table(Netlink& netlink, const policy::Egress& egress, const Surroundings& around, nft::Existing existing) {
  bool is_new = false;
  nft::in_generation(netlink, [&](std::uint32_t generation) {
    const auto comment =
        generation == nft::untouched_generation ? std::nullopt : nft::comment_of(netlink, egress_table_name);
    is_new = !comment || existing == nft::Existing::replaced;
    if (is_new)
      nft::load(netlink, egress_table(egress, around, first_epoch), existing, generation);
    else
      keep_equal(netlink, egress, around, *comment);
  });
  return is_new;
}

// What fails leaves nothing in a namespace that outlives it.
void install_here(const policy::Egress& egress, const Surroundings& around, nft::Existing existing) {
  Netlink netlink(NETLINK_NETFILTER);
  const bool new_frames =
      around.raw_sockets && in_context("CAP_NET_RAW (frames are filtered from Linux 6.16 on; else take it away)",
                                       [&] { return install_frames(netlink); });
  OnExit remove_frames([&] {
    if (new_frames) remove_if_there(netlink, nft::Family::netdev);
  });
  const bool is_new = install_table(netlink, egress, around, existing);
  OnExit remove_table([&] {
    if (is_new) remove_if_there(netlink, nft::Family::inet);
  });
  if (is_new) {
    bring_loopback_up();
    refuse_router_advertisements();
    track_strictly(has_flows(egress, first_epoch));
  }
  probe(netlink, egress_table(egress, around, first_epoch));
  if (around.raw_sockets) probe_frames(netlink);
  remove_frames.keep();
  remove_table.keep();
}

void replace_in(std::uint32_t generation, Netlink& netlink, const policy::Egress& egress, const Surroundings& around) {
  const auto comment = nft::comment_of(netlink, egress_table_name);
  if (!comment) fail("the container has no packet filter: it was made without an egress policy");
  auto table = egress_table(egress, around, epoch_in(*comment) + 1);
  const auto used = bytes_accepted(nft::counters(netlink, egress_table_name));
  for (auto& chain : table.chains)
    for (auto& rule : chain.rules)
      for (auto& statement : rule.statements)
        if (auto* const quota = std::get_if<nft::BytesOver>(&statement)) quota->bytes -= std::min(used, quota->bytes);
  nft::load(netlink, table, nft::Existing::replaced, generation);
  track_strictly(true);
}

}  // namespace

void Egress::install(const policy::Egress& egress, const Surroundings& around, nft::Existing existing) const {
  const auto work = [&] {
    install_here(egress, around, existing);
    return std::string();
  };
  in_context("egress", [&] { inside(netns_, work, userns_); });
}

void Egress::replace(const policy::Egress& egress, const Surroundings& around) const {
  const auto work = [&] {
    Netlink netlink(NETLINK_NETFILTER);
    nft::in_generation(netlink, [&](std::uint32_t generation) { replace_in(generation, netlink, egress, around); });
    return std::string();
  };
  in_context("egress", [&] { inside(netns_, work, userns_); });
}

void Egress::remove() const {
  const auto work = [&] {
    Netlink netlink(NETLINK_NETFILTER);
    remove_if_there(netlink, nft::Family::inet);
    remove_if_there(netlink, nft::Family::netdev);
    return std::string();
  };
  inside(netns_, work, userns_);
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

std::string Egress::comment() const {
  const auto work = [] {
    Netlink netlink(NETLINK_NETFILTER);
    return nft::comment_of(netlink, egress_table_name).value_or(std::string());
  };
  return inside(netns_, work, userns_);
}

bool Egress::exists() const { return !comment().empty(); }

bool Egress::enforces(const policy::Egress& egress) const {
  const auto found = comment();
  return !found.empty() && found == comment_of(egress, epoch_in(found));
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
    if (header.ifa_family != AF_INET && header.ifa_family != AF_INET6) return;
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
