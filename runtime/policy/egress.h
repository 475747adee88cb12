// What a policy lets out of a container, and in: plain values. They are compiled into the packet filter of the
// container's network namespace by net/egress_table.h; whoever reads a policy fills them in.
//
//   policy::Dest web = policy::parse_dest("203.0.113.0/24:8443");   // tcp
//   policy::Dest dns = policy::parse_dest("udp/[2001:db8::/32]:53-54");
//   policy::Egress rules = policy::read_egress(R"({"mode": "strict", "allow": ["192.0.2.7:443"]})");
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace agentsafe::policy {

// A block of addresses. IPv4 in the first four bytes; bits behind the prefix are 0.
struct Network {
  bool v6 = false;
  std::array<std::uint8_t, 16> address{};
  std::uint8_t prefix = 0;  // 0 … 32 or 128

  [[nodiscard]] std::size_t size() const { return v6 ? 16 : 4; }  // bytes of the address
  // Whether every address of `other` is in it.
  [[nodiscard]] bool contains(const Network& other) const;
  [[nodiscard]] bool overlaps(const Network& other) const { return contains(other) || other.contains(*this); }
  bool operator==(const Network&) const = default;
};
// "192.0.2.0/24", "2001:db8::1" (a single address); nothing for other text, and for bits set behind the prefix.
[[nodiscard]] std::optional<Network> parse_network(std::string_view text);
[[nodiscard]] std::string to_text(const Network& network);

enum class Transport : std::uint8_t { tcp = 6, udp = 17 };  // IPPROTO_TCP, IPPROTO_UDP

// DEST = [tcp/|udp/]ADDR[/LEN]:PORT[-PORT] or NAME:PORT[-PORT]; IPv6 in brackets with the length inside; no prefix: tcp;
// port *: all. `name` is empty for addresses.
struct Dest {
  Transport transport = Transport::tcp;
  std::string name;  // lower case, may begin with "*."
  Network network;
  std::uint16_t first_port = 0;
  std::uint16_t last_port = 0;
  bool operator==(const Dest&) const = default;
};
// Throws Error: `"10.0.0.1": the port is missing: write 10.0.0.1:443, or 10.0.0.1:* for all ports`.
[[nodiscard]] Dest parse_dest(std::string_view text);
// As parse_dest reads it: the shortest form, "udp/[2001:db8::/32]:443", "192.0.2.7:*".
[[nodiscard]] std::string to_text(const Dest& dest);

enum class EgressMode : std::uint8_t {
  none,      // nothing but the container's own loopback
  strict,    // what allow and internal name
  moderate,  // and TCP port 443 of public addresses
  open,      // and everything public; DNS to the container's name servers
};
[[nodiscard]] std::string_view to_text(EgressMode mode);
[[nodiscard]] std::optional<EgressMode> parse_egress_mode(std::string_view text);

// Who may open connections into the container.
struct Ingress {
  enum class Kind : std::uint8_t { none, engine, ports } kind = Kind::none;  // engine: everybody, every port
  std::vector<std::uint16_t> ports;
  bool operator==(const Ingress&) const = default;
};

struct Egress {
  EgressMode mode = EgressMode::strict;
  std::vector<Dest> allow;     // never inside the denied networks
  std::vector<Dest> deny;      // wins over allow; and over internal
  std::vector<Dest> internal;  // like allow, but also inside the denied networks
  std::optional<std::uint64_t> bytes;         // that may leave in all
  std::optional<std::uint32_t> connections;   // open at a time
  Ingress ingress;             // a member of the policy beside "egress"; kept here because one table enforces both
  bool operator==(const Egress&) const = default;
};

// Private, loopback, link-local, metadata, multicast, reserved, translated and tunnelled ranges: never public.
[[nodiscard]] std::span<const Network> denied_networks();
// The denied network that holds the destination or a part of it; nullptr: it is public.
[[nodiscard]] const Network* denied_network_of(const Network& network);

// What cannot be enforced: names (there is no name front yet), an `allow` inside a denied network (it belongs into
// `internal`), a quota of 0. Throws one Error with the key: `egress.allow: "10.0.0.1:443" lies in 10.0.0.0/8 …`.
void check(const Egress& egress);

// The `egress` object of a policy: mode, allow, deny, internal, bytes ("2G", or a number), connections, and ingress
// ("none", "engine" or [8080]). Keys that the name front will read (names, presets, dns) are refused with that reason;
// unknown keys are refused. The result is checked.
[[nodiscard]] Egress read_egress(std::string_view json);
// One line that read_egress takes back.
[[nodiscard]] std::string to_json(const Egress& egress);

}  // namespace agentsafe::policy
