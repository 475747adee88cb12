// What the policy's values become: the golden text is what `nft list ruleset` shows; nft_load_test.cpp checks that.
#include "runtime/net/egress_table.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <random>
#include <set>
#include <sstream>
#include <variant>

#include "runtime/base/error.h"
#include "runtime/net/egress_sets.h"
#include "runtime/net/nft_judge.h"

namespace agentsafe::net {
namespace {

policy::Egress policy_of(const char* json) { return policy::read_egress(json); }

nft::Table table_of(const char* json, const Surroundings& around = {}) {
  return egress_table(policy_of(json), around, first_epoch);
}

std::string set_text(const nft::Set& set) {
  std::string text = nft::to_text(nft::Table{"t", "", {set}, {}});
  const auto first = text.find("{ ", text.find("elements")) + 2;
  text = text.substr(first, text.find(" }") - first);
  std::erase(text, '\n');
  std::erase(text, '\t');
  return text;
}

std::vector<policy::Dest> dests(std::initializer_list<const char*> texts) {
  std::vector<policy::Dest> parsed;
  for (const char* const text : texts) parsed.push_back(policy::parse_dest(text));
  return parsed;
}

std::string dest_text(bool v6, std::initializer_list<const char*> texts) {
  return set_text(destination_set("x", v6, dests(texts)));
}

TEST(SetTest, JoinsNeighbouringAndNestedNetworks) {
  const policy::Network networks[] = {*policy::parse_network("10.0.0.0/25"),  *policy::parse_network("10.0.0.128/25"),
                                      *policy::parse_network("10.0.0.7"),     *policy::parse_network("192.0.2.1"),
                                      *policy::parse_network("192.0.2.2"),    *policy::parse_network("255.0.0.0/8"),
                                      *policy::parse_network("255.1.0.0/16"), *policy::parse_network("2001:db8::/32")};
  EXPECT_EQ(set_text(address_set("x", false, networks)), "10.0.0.0/24,     192.0.2.1-192.0.2.2,     255.0.0.0/8");
  EXPECT_EQ(set_text(address_set("x", true, networks)), "2001:db8::/32");
}

TEST(SetTest, KeepsDestinationsApartPerProtocol) {
  EXPECT_EQ(dest_text(false, {"192.0.2.7:80", "udp/192.0.2.7:80"}), "192.0.2.7 . tcp . 80,     192.0.2.7 . udp . 80");
}

TEST(SetTest, JoinsPorts) {
  EXPECT_EQ(dest_text(false, {"192.0.2.7:80", "192.0.2.7:81-90", "192.0.2.7:85", "192.0.2.7:100"}),
            "192.0.2.7 . tcp . 80-90,     192.0.2.7 . tcp . 100");
}

TEST(SetTest, LeavesOutWhatAnOuterNetworkHas) {
  EXPECT_EQ(dest_text(false, {"192.0.2.0/24:443", "192.0.2.7:443"}), "192.0.2.0/24 . tcp . 443");
  EXPECT_EQ(dest_text(false, {"192.0.2.0/24:443", "192.0.2.7:440-450"}),
            "192.0.2.0/24 . tcp . 443,     192.0.2.7 . tcp . 440-442,     192.0.2.7 . tcp . 444-450");
  EXPECT_EQ(dest_text(true, {"[2001:db8::/32]:*", "[2001:db8::7]:443"}), "2001:db8::/32 . tcp . 1-65535");
}

TEST(SetTest, ElementsNeverMeet) {
  const auto set = destination_set(
      "x", false,
      dests({"10.0.0.0/8:1-100", "10.1.0.0/16:50-200", "10.1.2.0/24:*", "10.1.2.3:7", "10.2.0.0/16:90-110"}));
  for (const auto& a : set.elements)
    for (const auto& b : set.elements) {
      if (&a == &b) continue;
      const bool addresses = a.first <= b.last && b.first <= a.last;
      const bool ports = a.first_port <= b.last_port && b.first_port <= a.last_port;
      EXPECT_FALSE(addresses && ports) << set_text(set);
    }
}

TEST(NameServersTest, ReadsWhatIsAskedFromInside) {
  const auto servers = name_servers(
      "nameserver 127.0.0.11\nnameserver 10.0.0.53\nnameserver fe80::1%eth0\n;nameserver 1.1.1.1\nsearch a.b\n"
      "# ExtServers: [8.8.8.8 host(127.0.0.53) 2001:db8::53]\n");
  std::vector<std::string> texts;
  for (const auto& server : servers) texts.push_back(to_text(server));
  EXPECT_EQ(texts, (std::vector<std::string>{"10.0.0.53", "8.8.8.8", "2001:db8::53"}));
}

// --- any rules at all
// -------------------------------------------------------------------------------------------------

// Few bits, so that networks nest and ports meet.
policy::Dest any_dest(std::mt19937& random) {
  policy::Dest dest;
  dest.transport = random() % 2 == 0 ? policy::Transport::tcp : policy::Transport::udp;
  dest.network = *policy::parse_network(random() % 2 == 0 ? "203.0.113.0" : "2001:db8::");
  const auto bits = static_cast<std::uint8_t>(random() % 5);
  dest.network.address[dest.network.v6 ? 15 : 3] = static_cast<std::uint8_t>((random() % 16) >> bits << bits);
  dest.network.prefix = static_cast<std::uint8_t>(dest.network.prefix - bits);
  dest.first_port = static_cast<std::uint16_t>(1 + random() % 12);
  dest.last_port = static_cast<std::uint16_t>(dest.first_port + random() % 4);
  return dest;
}

bool names(const std::vector<policy::Dest>& dests, const nft::Packet& packet) {
  return std::ranges::any_of(dests, [&](const policy::Dest& dest) {
    return static_cast<std::uint8_t>(dest.transport) == packet.protocol && dest.network.contains(packet.to) &&
           dest.first_port <= packet.port && packet.port <= dest.last_port;
  });
}

TEST(CompiledRulesTest, AcceptExactlyWhatTheListsSay) {
  std::mt19937 random(4);  // the same rules in every run
  for (int round = 0; round < 300; ++round) {
    policy::Egress rules;
    for (unsigned i = random() % 9; i > 0; --i) rules.allow.push_back(any_dest(random));
    for (unsigned i = random() % 4; i > 0; --i) rules.deny.push_back(any_dest(random));
    const auto table = egress_table(rules, {}, first_epoch);
    for (int i = 0; i < 100; ++i) {
      auto to = any_dest(random);
      to.network.prefix = static_cast<std::uint8_t>(to.network.size() * 8);
      const nft::Packet packet{to.network, static_cast<std::uint8_t>(to.transport), to.first_port};
      const bool expected = names(rules.allow, packet) && !names(rules.deny, packet);
      ASSERT_EQ(nft::judge(table, "out", packet).accepted, expected)
          << policy::to_json(rules) << " " << to_text(to) << "\n"
          << nft::to_text(table);
    }
  }
}

TEST(CompiledRulesTest, ReadBackFromTheirTextAreTheSame) {
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    policy::Egress rules;
    for (unsigned i = random() % 9; i > 0; --i) rules.allow.push_back(any_dest(random));
    EXPECT_EQ(policy::read_egress(policy::to_json(rules)), rules);
  }
}

// Whatever is written there: a destination that its own text names again, or one error.
TEST(DestTextTest, EveryTextIsADestinationOrAnError) {
  std::mt19937 random(6);
  const std::string_view alphabet = "0123456789abf.:/[]-*tcpud \n%";
  unsigned read = 0;
  for (int round = 0; round < 50'000; ++round) {
    std::string text = round % 2 == 0 ? "udp/[2001:db8::/32]:443" : "203.0.113.0/24:80-90";
    for (unsigned i = random() % 4; i > 0; --i) {
      const auto place = random() % text.size();
      if (random() % 2 == 0)
        text[place] = alphabet[random() % alphabet.size()];
      else
        text.insert(place, 1, alphabet[random() % alphabet.size()]);
    }
    try {
      const auto dest = policy::parse_dest(text);
      EXPECT_EQ(policy::parse_dest(to_text(dest)), dest) << text;
      ++read;
    } catch (const Error& error) {
      EXPECT_EQ(error.message().find('\n'), std::string::npos);
    }
  }
  EXPECT_GT(read, 1000U);
}

// --- flows -----------------------------------------------------------------------------------------------------------

bool asks_about_flows(const char* json, std::uint32_t epoch) {
  return nft::to_text(egress_table(policy_of(json), {}, epoch)).find("ct state") != std::string::npos;
}

TEST(EgressTableTest, AsksAboutFlowsWhereThereCanBeSome) {
  for (const char* const json : {R"({"mode":"none"})", R"({"mode":"strict"})", R"({"mode":"strict","deny":["203.0.113.9:*"]})"}) {
    EXPECT_FALSE(asks_about_flows(json, first_epoch)) << json;
    EXPECT_TRUE(asks_about_flows(json, first_epoch + 1)) << json << " cuts flows of before";
  }
  for (const char* const json :
       {R"({"mode":"strict","allow":["203.0.113.9:1"]})", R"({"mode":"strict","internal":["10.0.0.1:1"]})",
        R"({"mode":"moderate"})", R"({"mode":"open"})", R"({"mode":"none","ingress":"engine"})",
        R"({"mode":"none","ingress":[80]})"})
    EXPECT_TRUE(asks_about_flows(json, first_epoch)) << json;
}

// Leaving the rules about flows out opens nothing.
TEST(EgressTableTest, WithoutFlowsAcceptsNothingThatItWouldNotWithThem) {
  const auto accepting = [](std::uint32_t epoch) {
    std::set<std::string> rules;
    for (const auto& chain : egress_table(policy_of(R"({"mode":"none"})"), {}, epoch).chains)
      for (const auto& rule : chain.rules)
        if (std::holds_alternative<nft::Accept>(rule.statements.back())) rules.insert(chain.name + ": " + nft::to_text(rule));
    return rules;
  };
  const auto without = accepting(first_epoch);
  EXPECT_FALSE(without.empty());
  EXPECT_TRUE(std::ranges::includes(accepting(first_epoch + 1), without));
  for (const auto& rule : without)
    EXPECT_TRUE(rule.find("\"lo\"") != std::string::npos || rule.find("hoplimit 255 icmpv6 type nd-") != std::string::npos)
        << rule;
}

// --- golden text -----------------------------------------------------------------------------------------------------

// Set AGENTSAFE_UPDATE_GOLDEN to write the files anew, then read the difference.
class GoldenTest : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(GoldenTest, TableIsTheGoldenOne) {
  const auto& [name, json] = GetParam();
  const Surroundings around{{*policy::parse_network("198.51.100.7")}, {*policy::parse_network("10.0.0.53")}};
  const std::string path = std::string(AGENTSAFE_GOLDEN) + "/egress/" + name + ".nft";
  const std::string text = nft::to_text(table_of(json, around));
  if (std::getenv("AGENTSAFE_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << text;
  std::stringstream golden;
  golden << std::ifstream(path).rdbuf();
  EXPECT_EQ(text, golden.str()) << path;
}

INSTANTIATE_TEST_SUITE_P(
    Modes, GoldenTest,
    testing::Values(std::pair{"none", R"({"mode":"none"})"},
                    std::pair{"strict",
                              R"({"mode":"strict","allow":["203.0.113.0/24:8443","udp/[2001:db8:7::/48]:53-54"],
                               "deny":["203.0.113.9:*"],"internal":["10.2.0.0/16:5432"],"bytes":"2G","connections":200})"},
                    std::pair{"moderate", R"({"mode":"moderate","ingress":"engine"})"},
                    std::pair{"open", R"({"mode":"open","ingress":[8080]})"}));

// --- answers ---------------------------------------------------------------------------------------------------------

std::string answer(const nft::Table& table, const char* dest) {
  const auto to = policy::parse_dest(dest);
  const auto judgement = nft::judge(table, "out", {to.network, static_cast<std::uint8_t>(to.transport), to.first_port});
  return (judgement.accepted ? "yes: " : "no: ") + judgement.rule;
}

TEST(JudgeTest, NoneRefusesAllButLoopback) {
  const auto table = table_of(R"({"mode":"none"})");
  EXPECT_EQ(answer(table, "127.0.0.1:80"), "yes: ");
  EXPECT_EQ(answer(table, "[::1]:80"), "yes: ");
  EXPECT_EQ(answer(table, "8.8.8.8:443"), "no: not in egress.allow");
  EXPECT_EQ(answer(table, "127.0.0.11:53"), "no: engine's resolver 127.0.0.11");
}

TEST(JudgeTest, StrictAllowsWhatIsNamed) {
  const auto table = table_of(R"({"mode":"strict","allow":["203.0.113.0/24:8443","[2001:db8::/32]:1-9"],
      "deny":["203.0.113.9:*"],"internal":["10.2.0.0/16:5432","169.254.169.254:80"]})");
  EXPECT_EQ(answer(table, "203.0.113.1:8443"), "yes: egress.allow");
  EXPECT_EQ(answer(table, "203.0.113.1:8444"), "no: not in egress.allow");
  EXPECT_EQ(answer(table, "udp/203.0.113.1:8443"), "no: not in egress.allow");
  EXPECT_EQ(answer(table, "203.0.113.9:8443"), "no: egress.deny");
  EXPECT_EQ(answer(table, "[2001:db8:1::1]:9"), "yes: egress.allow");
  EXPECT_EQ(answer(table, "[2001:db8:1::1]:10"), "no: not in egress.allow");
  EXPECT_EQ(answer(table, "10.2.9.9:5432"), "yes: egress.internal");
  EXPECT_EQ(answer(table, "10.3.9.9:5432"), "no: private, reserved and host addresses");
  EXPECT_EQ(answer(table, "169.254.169.254:80"), "yes: egress.internal");
}

TEST(JudgeTest, ModerateAllowsHttpsOfPublicAddresses) {
  const auto table = table_of(R"({"mode":"moderate"})", {{*policy::parse_network("198.51.100.7")}, {}});
  EXPECT_EQ(answer(table, "8.8.8.8:443"), "yes: egress.mode moderate");
  EXPECT_EQ(answer(table, "udp/8.8.8.8:443"), "no: not in egress.allow");
  EXPECT_EQ(answer(table, "8.8.8.8:53"), "no: not in egress.allow");
  EXPECT_EQ(answer(table, "198.51.100.7:443"), "no: private, reserved and host addresses");
  for (const char* const denied :
       {"10.0.0.1:443", "100.64.0.1:443", "169.254.169.254:443", "168.63.129.16:443", "224.0.0.1:443",
        "[fd00:ec2::254]:443", "[fe80::1]:443", "[64:ff9b::a00:1]:443", "[2002:a00:1::]:443", "[::ffff:10.0.0.1]:443"})
    EXPECT_EQ(answer(table, denied), "no: private, reserved and host addresses") << denied;
}

TEST(JudgeTest, OpenAllowsNameServersInDeniedNetworks) {
  const auto table = table_of(R"({"mode":"open"})", {{}, {*policy::parse_network("10.0.0.53")}});
  EXPECT_EQ(answer(table, "udp/10.0.0.53:53"), "yes: name servers");
  EXPECT_EQ(answer(table, "10.0.0.53:80"), "no: private, reserved and host addresses");
  EXPECT_EQ(answer(table, "udp/127.0.0.11:53"), "yes: ");
  EXPECT_EQ(answer(table, "udp/8.8.8.8:9"), "yes: egress.mode open");
  EXPECT_EQ(answer(table, "169.254.169.254:80"), "no: private, reserved and host addresses");
}

TEST(JudgeTest, ForwardedPacketsAreJudgedAlike) {
  const auto table = table_of(R"({"mode":"strict","allow":["203.0.113.1:443"]})");
  const nft::Packet other{*policy::parse_network("203.0.113.2"), IPPROTO_TCP, 443};
  EXPECT_FALSE(nft::judge(table, "forward", other).accepted);
  const nft::Packet allowed{*policy::parse_network("203.0.113.1"), IPPROTO_TCP, 443};
  EXPECT_TRUE(nft::judge(table, "forward", allowed).accepted);
}

TEST(CommentTest, TellsPoliciesApartAndEpochs) {
  const auto a = policy_of(R"({"mode":"none"})");
  const auto b = policy_of(R"({"mode":"open"})");
  EXPECT_NE(comment_of(a, 1), comment_of(b, 1));
  EXPECT_EQ(comment_of(a, 12).substr(comment_of(a, 12).rfind(' ')), " 12");
}

TEST(MarkTest, FlowsOfAnotherPolicyOrEpochAreNotTakenForOnes) {
  const auto a = policy_of(R"({"mode":"none"})");
  const auto b = policy_of(R"({"mode":"open"})");
  EXPECT_NE(mark_of(a, 1), mark_of(a, 2));
  EXPECT_NE(mark_of(a, 1), mark_of(b, 1));
  EXPECT_EQ(mark_of(a, 1), mark_of(policy_of(R"({"mode":"none"})"), 1));
  EXPECT_NE(mark_of(a, 1), 0U);
}

}  // namespace
}  // namespace agentsafe::net
