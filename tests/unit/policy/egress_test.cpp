#include "runtime/policy/egress.h"

#include <gtest/gtest.h>

#include <string>

#include "runtime/base/error.h"

namespace agentsafe::policy {
namespace {

template <class Body>
std::string error_of(Body body) {
  try {
    body();
  } catch (const Error& error) {
    return error.message();
  }
  return "";
}
std::string refusal(const std::string& dest) {
  return error_of([&] { static_cast<void>(parse_dest(dest)); });
}
std::string egress_refusal(const std::string& json) {
  return error_of([&] { static_cast<void>(read_egress(json)); });
}

TEST(DestTest, IsWrittenAsItWasRead) {
  for (const char* text : {"192.0.2.7:443", "udp/192.0.2.0/24:53", "[2001:db8::/32]:443", "udp/[2001:db8::1]:1-1024",
                           "0.0.0.0/0:*", "[::/0]:*", "example.com:443", "*.example.com:443"})
    EXPECT_EQ(to_text(parse_dest(text)), text);
  EXPECT_EQ(to_text(parse_dest("tcp/192.0.2.7/32:1-65535")), "192.0.2.7:*");
  EXPECT_EQ(to_text(parse_dest("[2001:DB8:0::1]:5-5")), "[2001:db8::1]:5");
}

TEST(DestTest, MustHaveAPort) {
  EXPECT_EQ(refusal("10.0.0.1"), "\"10.0.0.1\": the port is missing: write 10.0.0.1:443, or 10.0.0.1:* for all ports");
  EXPECT_NE(refusal("[::1]"), "");
  for (const char* text : {"1.2.3.4:", "1.2.3.4:0", "1.2.3.4:65536", "1.2.3.4:9-8", "1.2.3.4:+1", "1.2.3.4:1-", "a.b:http"})
    EXPECT_NE(refusal(text).find("is not a port"), std::string::npos) << text;
}

TEST(DestTest, IsNoOddSpellingOfAnAddress) {
  for (const char* text : {"192.0.2.7/24:443", "192.0.2.0/33:443", "1.2.3:443", "0x7f.1:80", "010.0.0.1:80", "2130706433:80",
                           "[192.0.2.7]:443", "[2001:db8::/129]:443", "2001:db8::1:443", "[2001:db8::1:443", "-a.b:1",
                           "a..b:1", "a b:1", ":443", "icmp/1.2.3.4:1", "*.:443", "*:443", "[fe80::1%eth0]:1"})
    EXPECT_NE(refusal(text), "") << text;
}

TEST(NetworkTest, ContainsWhatHasItsPrefix) {
  const auto ten = *parse_network("10.0.0.0/8");
  EXPECT_TRUE(ten.contains(*parse_network("10.255.0.1")));
  EXPECT_FALSE(ten.contains(*parse_network("11.0.0.0")));
  EXPECT_FALSE(ten.contains(*parse_network("0.0.0.0/0")));
  EXPECT_TRUE(ten.overlaps(*parse_network("0.0.0.0/0")));
  EXPECT_FALSE(ten.overlaps(*parse_network("::/0")));
  EXPECT_TRUE(parse_network("fc00::/7")->contains(*parse_network("fd00:ec2::254")));
  EXPECT_FALSE(parse_network("fc00::/7")->contains(*parse_network("fe00::")));
}

TEST(DeniedNetworksTest, HoldWhatIsNeverPublic) {
  for (const char* text : {"169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "10.9.0.2", "127.0.0.11",
                           "172.31.0.1", "192.168.1.1", "198.19.0.1", "224.0.0.251", "255.255.255.255", "0.1.2.3",
                           "fd00:ec2::254", "fe80::1", "ff02::1", "::1", "::", "::ffff:1.2.3.4", "::1.2.3.4",
                           "64:ff9b::a00:1", "64:ff9b:1::1", "2002:a00:1::", "2001::1", "0.0.0.0/0", "::/0"})
    EXPECT_NE(denied_network_of(*parse_network(text)), nullptr) << text;
  for (const char* text : {"1.1.1.1", "172.32.0.1", "100.128.0.0", "11.0.0.0", "203.0.113.7", "2606:4700::1", "2001:db8::1"})
    EXPECT_EQ(denied_network_of(*parse_network(text)), nullptr) << text;
}

TEST(EgressTest, IsWrittenAsItWasRead) {
  const std::string text = R"({"mode":"strict","allow":["203.0.113.0/24:8443"],"deny":["203.0.113.9:*"],)"
                           R"("internal":["udp/10.2.0.0/16:5432"],"bytes":2147483648,"connections":200,"ingress":[8080]})";
  EXPECT_EQ(to_json(read_egress(text)), text);
  EXPECT_EQ(read_egress(R"({"bytes": "2G"})").bytes, std::uint64_t{2} << 30);
  EXPECT_EQ(to_json(read_egress(R"({"mode":"open","ingress":"engine"})")), R"({"mode":"open","ingress":"engine"})");
  EXPECT_EQ(to_json(read_egress("{}")), R"({"mode":"strict"})");
}

TEST(EgressTest, NamesWhatItRefuses) {
  EXPECT_EQ(egress_refusal(R"({"allow": ["10.0.0.1:443"]})"),
            "egress.allow: \"10.0.0.1:443\" lies in 10.0.0.0/8, which is never public: name it in egress.internal");
  EXPECT_EQ(egress_refusal(R"({"allow": ["pypi.org:443"]})"),
            "egress.allow: \"pypi.org:443\" is a name, and this version has no name front yet: give addresses, such as "
            "192.0.2.7:443");
  EXPECT_EQ(egress_refusal(R"({"presets": ["pypi"]})"),
            "egress.presets: this version has no name front yet; give addresses in egress.allow");
  EXPECT_EQ(egress_refusal(R"({"alow": []})"), "egress.alow: unknown key");
  EXPECT_EQ(egress_refusal(R"({"mode": "lax"})"), "egress.mode: \"lax\" is not one of none, strict, moderate, open");
  EXPECT_EQ(egress_refusal(R"({"bytes": "2X"})"), "egress.bytes: \"2X\" is not a size above 0: write \"2G\"");
  for (const char* text : {R"({"bytes": "0"})", R"({"bytes": "9223372036854775808"})", R"({"bytes": "8388608T"})",
                           R"({"connections": 0})", R"({"connections": -1})", R"({"ingress": []})", R"({"ingress": [0]})",
                           R"({"ingress": "all"})", R"({"allow": "1.1.1.1:1"})", R"([])", R"({"allow": [1]})",
                           R"({"allow": ["0.0.0.0/0:443"]})"})
    EXPECT_NE(egress_refusal(text), "") << text;
}

}  // namespace
}  // namespace agentsafe::policy
