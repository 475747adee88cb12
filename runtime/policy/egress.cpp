#include "runtime/policy/egress.h"

#include <algorithm>

#include "oci/json.h"
#include "runtime/base/error.h"
#include "runtime/base/text.h"

namespace agentsafe::policy {
namespace {

constexpr Network v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d, std::uint8_t prefix) {
  return {false, {a, b, c, d}, prefix};
}
constexpr Network v6(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d, std::uint8_t prefix) {
  return {true, {a, b, c, d}, prefix};
}

// Sources: RFC 6890 and IANA's registries of special-purpose addresses; 168.63.129.16: Azure's host agent.
constexpr Network denied[] = {
    v4(0, 0, 0, 0, 8),        v4(10, 0, 0, 0, 8),       v4(100, 64, 0, 0, 10),
    v4(127, 0, 0, 0, 8),      v4(168, 63, 129, 16, 32), v4(169, 254, 0, 0, 16),
    v4(172, 16, 0, 0, 12),    v4(192, 0, 0, 0, 24),     v4(192, 88, 99, 0, 24),
    v4(192, 168, 0, 0, 16),   v4(198, 18, 0, 0, 15),    v4(224, 0, 0, 0, 4),
    v4(240, 0, 0, 0, 4),
    // ::/96: unspecified, loopback, IPv4-compatible
    v6(0, 0, 0, 0, 96),
    {true, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96},  // IPv4-mapped
    {true, {0, 0x64, 0xff, 0x9b}, 96},                       // NAT64
    {true, {0, 0x64, 0xff, 0x9b, 0, 1}, 48},                 // NAT64 of local use
    v6(0x01, 0, 0, 0, 64),                                   // discard only
    v6(0x20, 0x01, 0, 0, 32),                                // Teredo
    v6(0x20, 0x02, 0, 0, 16),                                // 6to4
    v6(0xfc, 0, 0, 0, 7),                                    // unique local; holds fd00:ec2::254
    v6(0xfe, 0x80, 0, 0, 10),                                // link-local
    v6(0xfe, 0xc0, 0, 0, 10),                                // site-local
    v6(0xff, 0, 0, 0, 8),                                    // multicast
};

constexpr std::string_view modes[] = {"none", "strict", "moderate", "open"};

// The object as it is written; names of keys that are refused are only looked for.
struct Raw {
  std::optional<std::string> mode;
  std::vector<std::string> allow;
  std::vector<std::string> deny;
  std::vector<std::string> internal;
  std::optional<std::uint32_t> connections;
};

}  // namespace
}  // namespace agentsafe::policy

namespace agentsafe::json {
template <>
inline constexpr auto fields<policy::Raw> =
    std::tuple{optional("mode", &policy::Raw::mode), optional("allow", &policy::Raw::allow),
               optional("deny", &policy::Raw::deny), optional("internal", &policy::Raw::internal),
               optional("connections", &policy::Raw::connections)};
}  // namespace agentsafe::json

namespace agentsafe::policy {
namespace {

constexpr std::string_view known_keys[] = {"mode", "allow", "deny", "internal", "connections", "bytes", "ingress"};
constexpr std::string_view keys_of_names[] = {"names", "presets", "dns"};

std::vector<Dest> parse_all(std::string_view key, const std::vector<std::string>& texts) {
  std::vector<Dest> parsed;
  for (const auto& text : texts)
    parsed.push_back(in_context("egress." + std::string(key), [&] { return parse_dest(text); }));
  return parsed;
}

std::uint64_t parse_bytes(std::string_view text) {
  constexpr std::string_view units = "KMGT";
  const auto unit = text.empty() ? std::string_view::npos : units.find(text.back());
  const auto number = text::parse<std::uint64_t>(text.substr(0, text.size() - (unit < units.size() ? 1 : 0)));
  const unsigned shift = unit < units.size() ? 10 * (static_cast<unsigned>(unit) + 1) : 0;
  if (!number || *number == 0 || *number > (UINT64_MAX >> 1 >> shift))
    fail("egress.bytes: \"" + text::escaped(text) + "\" is not a size above 0: write \"2G\"");
  return *number << shift;
}

Ingress read_ingress(const json::Value& value) {
  if (value.kind == json::Value::Kind::string && value.text == "none") return {};
  if (value.kind == json::Value::Kind::string && value.text == "engine") return {Ingress::Kind::engine, {}};
  Ingress ingress{Ingress::Kind::ports, {}};
  bool right = value.kind == json::Value::Kind::array && value.count > 0;
  if (right)
    for (const auto& item : value) {
      const auto port = item.kind == json::Value::Kind::number ? text::parse<std::uint16_t>(item.text) : std::nullopt;
      right = right && port && *port != 0;
      ingress.ports.push_back(port.value_or(0));
    }
  if (!right) fail("ingress: expected \"none\", \"engine\" or ports such as [8080]");
  return ingress;
}

void check_keys(const json::Value& root) {
  for (const auto& member : root) {
    if (std::ranges::find(keys_of_names, member.name) != std::end(keys_of_names))
      fail("egress." + std::string(member.name) + ": this version has no name front yet; give addresses in egress.allow");
    if (std::ranges::find(known_keys, member.name) == std::end(known_keys))
      fail("egress." + text::escaped(member.name) + ": unknown key");
  }
}

void check_dests(const char* key, const std::vector<Dest>& dests) {
  for (const auto& dest : dests)
    if (!dest.name.empty())
      fail(std::string("egress.") + key + ": \"" + to_text(dest) +
           "\" is a name, and this version has no name front yet: give addresses, such as 192.0.2.7:443");
}

void put_dests(std::string& text, std::string_view key, const std::vector<Dest>& dests) {
  if (dests.empty()) return;
  text.append(",\"").append(key).append("\":[");
  for (const auto& dest : dests) text += json::write(to_text(dest)) + ",";
  text.back() = ']';
}

}  // namespace

std::string_view to_text(EgressMode mode) { return modes[static_cast<std::size_t>(mode)]; }

std::optional<EgressMode> parse_egress_mode(std::string_view text) {
  const auto found = std::ranges::find(modes, text);
  if (found == std::end(modes)) return std::nullopt;
  return static_cast<EgressMode>(found - std::begin(modes));
}

std::span<const Network> denied_networks() { return denied; }

const Network* denied_network_of(const Network& network) {
  const auto found = std::ranges::find_if(denied, [&](const Network& one) { return one.overlaps(network); });
  return found == std::end(denied) ? nullptr : &*found;
}

void check(const Egress& egress) {
  check_dests("allow", egress.allow);
  check_dests("deny", egress.deny);
  check_dests("internal", egress.internal);
  for (const auto& dest : egress.allow)
    if (const Network* const in = denied_network_of(dest.network))
      fail("egress.allow: \"" + to_text(dest) + "\" lies in " + to_text(*in) +
           ", which is never public: name it in egress.internal");
  if (egress.bytes && *egress.bytes == 0) fail("egress.bytes: 0 lets nothing out: use mode \"none\"");
  if (egress.connections && *egress.connections == 0) fail("egress.connections: 0 lets nothing out: use mode \"none\"");
}

Egress read_egress(std::string_view json) {
  const auto document = json::parse(json);
  const json::Value& root = document.root();
  Raw raw;
  json::Reader reader;
  reader.read(root, raw);
  reader.finish();
  check_keys(root);
  Egress egress;
  if (raw.mode) {
    const auto mode = parse_egress_mode(*raw.mode);
    if (!mode) fail("egress.mode: \"" + text::escaped(*raw.mode) + "\" is not one of none, strict, moderate, open");
    egress.mode = *mode;
  }
  egress.allow = parse_all("allow", raw.allow);
  egress.deny = parse_all("deny", raw.deny);
  egress.internal = parse_all("internal", raw.internal);
  egress.connections = raw.connections;
  if (const json::Value* const bytes = root.find("bytes")) egress.bytes = parse_bytes(bytes->text);
  if (const json::Value* const ingress = root.find("ingress")) egress.ingress = read_ingress(*ingress);
  check(egress);
  return egress;
}

std::string to_json(const Egress& egress) {
  std::string text = "{\"mode\":\"" + std::string(to_text(egress.mode)) + "\"";
  put_dests(text, "allow", egress.allow);
  put_dests(text, "deny", egress.deny);
  put_dests(text, "internal", egress.internal);
  if (egress.bytes) text += ",\"bytes\":" + std::to_string(*egress.bytes);
  if (egress.connections) text += ",\"connections\":" + std::to_string(*egress.connections);
  if (egress.ingress.kind == Ingress::Kind::engine) text += ",\"ingress\":\"engine\"";
  if (egress.ingress.kind == Ingress::Kind::ports) text += ",\"ingress\":" + json::write(egress.ingress.ports);
  return text + "}";
}

}  // namespace agentsafe::policy
