#include "runtime/net/egress_sets.h"

#include <netinet/in.h>

#include <algorithm>

namespace agentsafe::net {
namespace {

struct Ports {
  unsigned first;
  unsigned last;
};

nft::Element element_of(const policy::Network& network) {
  nft::Element element;
  element.first = element.last = network.address;
  for (std::size_t bit = network.prefix; bit < network.size() * 8; ++bit)
    element.last[bit / 8] = static_cast<std::uint8_t>(element.last[bit / 8] | (0x80U >> (bit % 8)));
  return element;
}

// The address behind `address`; false at the end of the family's range.
bool step(nft::Address& address, std::size_t size) {
  for (std::size_t i = size; i > 0; --i)
    if (++address[i - 1] != 0) return true;
  return false;
}

std::vector<Ports> joined(std::vector<Ports> ports) {
  std::ranges::sort(ports, {}, &Ports::first);
  std::vector<Ports> merged;
  for (const auto& next : ports) {
    if (merged.empty() || next.first > merged.back().last + 1)
      merged.push_back(next);
    else
      merged.back().last = std::max(merged.back().last, next.last);
  }
  return merged;
}

// What of `ports` is not in `taken`; both are joined.
std::vector<Ports> without(const std::vector<Ports>& ports, const std::vector<Ports>& taken) {
  std::vector<Ports> left;
  for (const auto& [first, last] : ports) {
    unsigned from = first;
    for (const auto& hole : taken) {
      if (hole.last < from || hole.first > last) continue;
      if (hole.first > from) left.push_back({from, hole.first - 1});
      from = hole.last + 1;
    }
    if (from <= last) left.push_back({from, last});
  }
  return left;
}

// Networks are nested or disjoint. So each one takes the ports that no network around it has, and no two elements meet.
void add_network(nft::Set& set, const policy::Network& network, policy::Transport transport,
                 std::span<const policy::Dest> dests) {
  std::vector<Ports> here;
  std::vector<Ports> around;
  for (const auto& dest : dests) {
    if (dest.transport != transport || !dest.network.contains(network)) continue;
    (dest.network == network ? here : around).push_back({dest.first_port, dest.last_port});
  }
  nft::Element element = element_of(network);
  element.protocol = static_cast<std::uint8_t>(transport);
  for (const auto& ports : without(joined(std::move(here)), joined(std::move(around)))) {
    element.first_port = static_cast<std::uint16_t>(ports.first);
    element.last_port = static_cast<std::uint16_t>(ports.last);
    set.elements.push_back(element);
  }
}

}  // namespace

nft::Set address_set(std::string name, bool v6, std::span<const policy::Network> networks) {
  std::vector<nft::Element> all;
  for (const auto& network : networks)
    if (network.v6 == v6) all.push_back(element_of(network));
  std::ranges::sort(all);
  nft::Set set{std::move(name), v6, false, {}};
  for (const auto& next : all) {
    if (!set.elements.empty()) {
      auto& last = set.elements.back().last;
      nft::Address behind = last;
      const bool ends = !step(behind, v6 ? 16 : 4);
      if (ends || next.first <= behind) {
        last = std::max(last, next.last);
        continue;
      }
    }
    set.elements.push_back(next);
  }
  return set;
}

nft::Set destination_set(std::string name, bool v6, std::span<const policy::Dest> dests) {
  nft::Set set{std::move(name), v6, true, {}};
  std::vector<policy::Network> networks;
  for (const auto& dest : dests)
    if (dest.network.v6 == v6 && std::ranges::find(networks, dest.network) == networks.end())
      networks.push_back(dest.network);
  for (const auto transport : {policy::Transport::tcp, policy::Transport::udp})
    for (const auto& network : networks) add_network(set, network, transport, dests);
  std::ranges::sort(set.elements);
  return set;
}

}  // namespace agentsafe::net
