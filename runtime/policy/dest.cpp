// Networks and destinations as text.
#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "runtime/base/address_text.h"
#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/policy/egress.h"

namespace agentsafe::policy {
namespace {

[[noreturn]] void refuse(std::string_view dest, const std::string& why) {
  fail("\"" + text::escaped(dest) + "\": " + why);
}

bool is_host_part_clear(const Network& network) {
  Network masked = network;
  for (std::size_t bit = network.prefix; bit < network.size() * 8; ++bit)
    masked.address[bit / 8] = static_cast<std::uint8_t>(masked.address[bit / 8] & ~(0x80U >> (bit % 8)));
  return masked == network;
}

// The first `bits` of both are equal.
bool same_prefix(const Network& a, const Network& b, unsigned bits) {
  const unsigned whole = bits / 8;
  if (std::memcmp(a.address.data(), b.address.data(), whole) != 0) return false;
  const unsigned rest = bits % 8;
  return rest == 0 || ((a.address[whole] ^ b.address[whole]) >> (8 - rest)) == 0;
}

// RFC 1123 labels, at least one; "*." may stand before them.
bool is_name(std::string_view name) {
  if (name.starts_with("*.")) name.remove_prefix(2);
  if (name.empty() || name.size() > 253) return false;
  const auto labels = text::split(name, '.');
  // an address with a mistake in it is no name
  if (labels.back().find_first_not_of("0123456789") == std::string_view::npos) return false;
  return std::ranges::all_of(labels, [](std::string_view label) {
    return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
           label.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") == std::string_view::npos;
  });
}

void read_ports(Dest& dest, std::string_view ports, std::string_view whole) {
  dest.first_port = 1;
  dest.last_port = 65535;
  if (ports == "*") return;
  const auto dash = ports.find('-');
  const auto first = text::parse<std::uint16_t>(ports.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : text::parse<std::uint16_t>(ports.substr(dash + 1));
  if (!first || !last || *first == 0 || *first > *last)
    refuse(whole, "\"" + text::escaped(ports) + "\" is not a port: write 443, 8000-8080 or *");
  dest.first_port = *first;
  dest.last_port = *last;
}

struct Split {
  std::string_view host;
  std::optional<std::string_view> ports;
  bool in_brackets = false;
};

Split split_dest(std::string_view rest, std::string_view whole) {
  if (rest.starts_with('[')) {
    const auto end = rest.find(']');
    if (end == std::string_view::npos) refuse(whole, "the closing bracket of the IPv6 address is missing");
    Split split{rest.substr(1, end - 1), std::nullopt, true};
    if (rest.substr(end + 1).starts_with(':')) split.ports = rest.substr(end + 2);
    return split;
  }
  const auto colon = rest.find(':');
  if (colon == std::string_view::npos) return {rest, std::nullopt, false};
  if (rest.find(':', colon + 1) != std::string_view::npos)
    refuse(whole, "an IPv6 address stands in brackets: write [2001:db8::1]:443");
  return {rest.substr(0, colon), rest.substr(colon + 1), false};
}

}  // namespace

bool Network::contains(const Network& other) const {
  return v6 == other.v6 && prefix <= other.prefix && same_prefix(*this, other, prefix);
}

std::optional<Network> parse_network(std::string_view text) {
  const auto slash = text.find('/');
  const std::string address(text.substr(0, slash));
  Network network;
  network.v6 = address.find(':') != std::string::npos;
  if (::inet_pton(network.v6 ? AF_INET6 : AF_INET, address.c_str(), network.address.data()) != 1) return std::nullopt;
  network.prefix = static_cast<std::uint8_t>(network.size() * 8);
  if (slash != std::string_view::npos) {
    const auto prefix = text::parse<std::uint8_t>(text.substr(slash + 1));
    if (!prefix || *prefix > network.prefix) return std::nullopt;
    network.prefix = *prefix;
  }
  if (!is_host_part_clear(network)) return std::nullopt;
  return network;
}

std::string to_text(const Network& network) {
  const std::span address(network.address);
  std::string text = network.v6 ? text::v6_text(address) : text::v4_text(address.first<4>());
  if (network.prefix != network.size() * 8) text += "/" + std::to_string(network.prefix);
  return text;
}

Dest parse_dest(std::string_view whole) {
  Dest dest;
  std::string_view rest = whole;
  if (rest.starts_with("udp/")) dest.transport = Transport::udp;
  if (rest.starts_with("udp/") || rest.starts_with("tcp/")) rest.remove_prefix(4);
  const auto [host, ports, in_brackets] = split_dest(rest, whole);
  if (!ports) {
    const std::string shown = text::escaped(whole);
    refuse(whole, "the port is missing: write " + shown + ":443, or " + shown + ":* for all ports");
  }
  read_ports(dest, *ports, whole);
  if (const auto network = parse_network(host)) {
    if (network->v6 != in_brackets) refuse(whole, "brackets are for IPv6 addresses alone");
    dest.network = *network;
    return dest;
  }
  dest.name = text::lower(host);
  if (in_brackets || host.find('/') != std::string_view::npos || !is_name(dest.name))
    refuse(whole, "\"" + text::escaped(host) +
                      "\" is no address, no network whose host bits are 0, and no name: write 192.0.2.7:443, "
                      "192.0.2.0/24:443 or [2001:db8::/32]:443");
  return dest;
}

std::string to_text(const Dest& dest) {
  std::string text = dest.transport == Transport::udp ? "udp/" : "";
  const std::string host = dest.name.empty() ? to_text(dest.network) : dest.name;
  text += dest.name.empty() && dest.network.v6 ? "[" + host + "]:" : host + ":";
  if (dest.first_port == 1 && dest.last_port == 65535) return text + "*";
  text += std::to_string(dest.first_port);
  return dest.first_port == dest.last_port ? text : text + "-" + std::to_string(dest.last_port);
}

}  // namespace agentsafe::policy
