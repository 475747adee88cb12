// Tables in the kernel, each test in a network namespace of its own, and what `nft` says of them.
#include "runtime/net/nft_load.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <regex>

#include "runtime/base/error.h"
#include "runtime/net/egress.h"
#include "runtime/net/egress_table.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"

namespace agentsafe::net {
namespace {

std::string output_of(const std::string& command) {
  std::string text;
  FILE* const pipe = ::popen((command + " 2>&1").c_str(), "re");
  std::array<char, 4096> part{};
  while (const std::size_t n = std::fread(part.data(), 1, part.size(), pipe)) text.append(part.data(), n);
  ::pclose(pipe);
  return text;
}

// Without counters' values, and with one space where nft breaks lines.
std::string plain(const std::string& text) {
  // newer programs name the burst that all take when none is named
  const std::string without = std::regex_replace(
      text, std::regex(" packets [0-9]+ bytes [0-9]+| used [0-9]+ [a-z]*bytes| burst 5 packets"), "");
  return std::regex_replace(without, std::regex("\\s+"), " ");
}

class NftTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (::geteuid() != 0) GTEST_SKIP() << "needs CAP_NET_ADMIN";
  }
  void SetUp() override {
    before_ = sys::openat(sys::at_cwd, "/proc/self/ns/net", O_RDONLY);
    sys::unshare(CLONE_NEWNET);
    netlink_.emplace(NETLINK_NETFILTER);
  }
  void TearDown() override {
    if (before_) sys::setns(before_, CLONE_NEWNET);
  }
  static UniqueFd here() { return sys::openat(sys::at_cwd, "/proc/self/ns/net", O_RDONLY); }

  static std::string error_of(const std::function<void()>& body) {
    try {
      body();
    } catch (const Error& error) {
      return error.message();
    }
    return "";
  }

  void load(const nft::Table& table, nft::Existing existing = nft::Existing::refused) {
    nft::load(*netlink_, table, existing, nft::generation_of(*netlink_));
  }

  UniqueFd before_;
  std::optional<Netlink> netlink_;
};

const char* const policies[] = {
    R"({"mode":"none"})",
    R"({"mode":"strict","allow":["203.0.113.0/24:8443","udp/[2001:db8:7::/48]:53-54","203.0.113.7:8440-8450"],
        "deny":["203.0.113.9:*"],"internal":["10.2.0.0/16:5432"],"bytes":"2G","connections":200})",
    R"({"mode":"moderate","ingress":"engine"})",
    R"({"mode":"open","ingress":[8080,9090],"bytes":"1500"})",
};
const Surroundings around{{*policy::parse_network("198.51.100.7"), *policy::parse_network("2001:db8::7")},
                          {*policy::parse_network("10.0.0.53")}};

TEST_F(NftTest, NftShowsWhatWePrint) {
  if (output_of("nft --version").find("nftables") == std::string::npos) GTEST_SKIP() << "needs nft";
  for (const char* const json : policies) {
    const auto table = egress_table(policy::read_egress(json), around, 7);
    load(table, nft::Existing::replaced);
    EXPECT_EQ(plain(output_of("nft list ruleset")), plain(nft::to_text(table)));
  }
}

TEST_F(NftTest, NftTakesWhatWePrint) {
  if (output_of("nft --version").find("nftables") == std::string::npos) GTEST_SKIP() << "needs nft";
  for (const char* const json : policies) {
    const std::string text = nft::to_text(egress_table(policy::read_egress(json), around, 7));
    EXPECT_EQ(output_of("nft -c -f - <<'END'\n" + text + "END\n"), "");
  }
}

TEST_F(NftTest, LoadsThousandsOfElements) {
  policy::Egress egress;
  for (unsigned i = 0; i < 4000; ++i) {
    policy::Dest dest = policy::parse_dest("203.0.113.0:443");
    dest.network.address[2] = static_cast<std::uint8_t>(i >> 8);
    dest.network.address[3] = static_cast<std::uint8_t>(i);
    dest.first_port = dest.last_port = static_cast<std::uint16_t>(1 + i);
    egress.allow.push_back(dest);
  }
  load(egress_table(egress, {}, 1));
}

TEST_F(NftTest, RefusesATableThatIsThere) {
  const auto table = egress_table({}, {}, 1);
  load(table);
  EXPECT_EQ(error_of([&] { load(table); }), "load the packet filter: table \"agentsafe\": file exists");
}

TEST_F(NftTest, NamesTheRuleThatTheKernelRefuses) {
  nft::Table table = egress_table({}, {}, 1);
  table.chains.back().rules.push_back({"", {nft::Goto{"nowhere"}}});
  const std::string error = error_of([&] { load(table); });
  EXPECT_EQ(
      error.substr(0, error.rfind(": missing")),
      "load the packet filter: rule (goto nowhere) of the chain \"in\": this kernel may lack the nftables expression "
      "\"immediate\"");
  EXPECT_EQ(nft::comment_of(*netlink_, "agentsafe"), std::nullopt) << "a part of it was loaded";
}

TEST_F(NftTest, SeesARuleThatSomebodyAdded) {
  const auto table = egress_table({}, {}, 1);
  load(table);
  nft::verify(*netlink_, table);
  output_of("nft insert rule inet agentsafe out accept");
  EXPECT_NE(error_of([&] { nft::verify(*netlink_, table); }), "");
}

TEST_F(NftTest, SeesARuleThatSomebodyRemoved) {
  const auto table = egress_table({}, {}, 1);
  load(table);
  output_of("nft flush chain inet agentsafe judge");
  EXPECT_NE(error_of([&] { nft::verify(*netlink_, table); }).find("differs"), std::string::npos);
}

TEST_F(NftTest, SeesEveryRuleAndStatementThatIsNotTheOneThatWasMeant) {
  const auto table = egress_table(policy::read_egress(policies[1]), around, 1);
  load(table);
  const auto is_seen = [&](nft::Table other) {
    return !error_of([&] { nft::verify(*netlink_, other); }).empty();
  };
  EXPECT_FALSE(is_seen(table));
  for (std::size_t c = 0; c < table.chains.size(); ++c)
    for (std::size_t r = 0; r < table.chains[c].rules.size(); ++r) {
      nft::Table other = table;
      auto& rules = other.chains[c].rules;
      rules.erase(rules.begin() + static_cast<std::ptrdiff_t>(r));
      EXPECT_TRUE(is_seen(other)) << nft::to_text(table.chains[c].rules[r]) << " removed";
      for (std::size_t s = 0; s < table.chains[c].rules[r].statements.size(); ++s) {
        nft::Table changed = table;
        changed.chains[c].rules[r].statements[s] = nft::Protocol{99};
        EXPECT_TRUE(is_seen(changed)) << nft::to_text(table.chains[c].rules[r]) << " changed at " << s;
      }
    }
  for (std::size_t s = 0; s < table.sets.size(); ++s) {
    nft::Table other = table;
    ++other.sets[s].elements.back().last[3];
    EXPECT_TRUE(is_seen(other)) << table.sets[s].name;
  }
}

TEST_F(NftTest, SeesAnElementThatSomebodyChanged) {
  const auto table = egress_table(policy::read_egress(R"({"allow":["203.0.113.1:443"]})"), {}, 1);
  load(table);
  output_of("nft add element inet agentsafe allowed4 '{ 198.51.100.1 . tcp . 80 }'");
  EXPECT_NE(error_of([&] { nft::verify(*netlink_, table); }).find("\"allowed4\" differ"), std::string::npos);
}

TEST_F(NftTest, InstallProvesItselfWithRealPackets) {
  const Egress egress(here());
  egress.install(policy::read_egress(policies[1]), around);
  const auto counts = egress.counts();
  const auto probe = std::ranges::find(counts, rule_name::probe, &nft::RuleCount::rule);
  ASSERT_NE(probe, counts.end());
  EXPECT_GE(probe->packets, 1U);
  EXPECT_EQ(output_of("cat /proc/sys/net/netfilter/nf_conntrack_tcp_loose /proc/sys/net/ipv6/conf/default/accept_ra"),
            "0\n0\n");
}

TEST_F(NftTest, InstallProbesTheMetadataAddressWhereThereIsARoute) {
  output_of(
      "ip link set lo up; ip link add v0 type veth peer name v1; ip addr add 10.9.0.1/24 dev v0; ip link set v0 up;"
      "ip link set v1 up; ip route add default via 10.9.0.2");
  const Egress egress(here());
  egress.install(policy::read_egress(R"({"mode":"none"})"), {});
  const auto counts = egress.counts();
  const auto denied = std::ranges::find(counts, rule_name::denied, &nft::RuleCount::rule);
  ASSERT_NE(denied, counts.end());
  EXPECT_GE(denied->packets, 1U);
}

TEST_F(NftTest, InstallFailsWhenPacketsPassBesides) {
  output_of(
      "ip link set lo up; nft 'table inet other { chain out { type filter hook output priority -300; policy accept;"
      "ip daddr 127.0.0.11 drop; }; }'");
  const std::string error = error_of([&] { Egress(here()).install({}, {}); });
  EXPECT_EQ(error,
            "egress: test the packet filter: a packet to 127.0.0.11 port 1 was not refused by the rule \"self-probe\" "
            "(no error); the container is not started");
}

TEST_F(NftTest, EqualPoliciesShareATableAndOthersAreRefused) {
  const auto strict = policy::read_egress(policies[1]);
  Egress(here()).install(strict, around);
  Egress(here()).install(strict, {});
  const std::string error = error_of([&] { Egress(here()).install({}, {}); });
  EXPECT_NE(error.find("another policy"), std::string::npos) << error;
}

TEST_F(NftTest, RefusesToLoadBesidesSomebodyElsesChange) {
  const auto seen = nft::generation_of(*netlink_);
  output_of("nft add table inet other");
  int error_number = 0;
  try {
    nft::load(*netlink_, egress_table({}, {}, 1), nft::Existing::refused, seen);
  } catch (const Error& error) {
    error_number = error.error_number();
  }
  EXPECT_EQ(error_number, ERESTART);
  EXPECT_EQ(nft::comment_of(*netlink_, "agentsafe"), std::nullopt);
}

TEST_F(NftTest, LooksAgainWhenTheGenerationHasPassed) {
  int tries = 0;
  nft::in_generation(*netlink_, [&](std::uint32_t generation) {
    if (++tries == 1) output_of("nft add table inet other");
    nft::load(*netlink_, egress_table({}, {}, 1), nft::Existing::refused, generation);
  });
  EXPECT_EQ(tries, 2);
}

TEST_F(NftTest, GivesUpWhenTheGenerationAlwaysPasses) {
  int tries = 0;
  const auto error = error_of([&] {
    nft::in_generation(*netlink_, [&](std::uint32_t) {
      ++tries;
      throw Error("changed", ERESTART);
    });
  });
  EXPECT_EQ(error, "changed");
  EXPECT_EQ(tries, 16);
}

TEST_F(NftTest, InstallSwitchesHelpersAndPickUpOff) {
  Egress(here()).install({}, {});
  for (const char* const file : {"netfilter/nf_conntrack_tcp_loose", "netfilter/nf_conntrack_helper"})
    EXPECT_EQ(output_of(std::string("cat /proc/sys/net/") + file + " 2>/dev/null || echo 0"), "0\n") << file;
  output_of("ip link add v0 type veth peer name v1");
  EXPECT_EQ(output_of("cat /proc/sys/net/ipv6/conf/v0/accept_ra"), "0\n") << "a device that came later";
}

TEST_F(NftTest, AFailedSelfProbeLeavesNoTable) {
  output_of(
      "ip link set lo up; nft 'table inet other { chain out { type filter hook output priority -300; policy accept;"
      "ip daddr 127.0.0.11 drop; }; }'");
  EXPECT_NE(error_of([&] { Egress(here()).install({}, {}); }), "");
  EXPECT_FALSE(Egress(here()).exists());
}

TEST_F(NftTest, AStaleTableIsReplacedByTheFirstOne) {
  Egress(here()).install(policy::read_egress(policies[1]), around);
  Egress(here()).install(policy::read_egress(policies[0]), {}, nft::Existing::replaced);
  EXPECT_TRUE(Egress(here()).enforces(policy::read_egress(policies[0])));
  EXPECT_FALSE(Egress(here()).enforces(policy::read_egress(policies[1])));
}

TEST_F(NftTest, TheQuotaOfAReplacementLacksWhatHasLeft) {
  output_of(
      "ip link set lo up; ip link add v0 type veth peer name v1; ip addr add 203.0.113.1/24 dev v0;"
      "ip link set v0 up; ip link set v1 up; ip neigh add 203.0.113.7 lladdr 02:00:00:00:00:07 dev v0");
  const auto rules = policy::read_egress(R"({"mode":"open","bytes":"1M"})");
  const Egress egress(here());
  egress.install(rules, {});
  output_of("head -c 1000 /dev/zero | timeout 1 bash -c 'cat >/dev/udp/203.0.113.7/9'");
  egress.replace(rules, {});
  EXPECT_NE(output_of("nft list ruleset").find("quota over 1047548 bytes"), std::string::npos)
      << output_of("nft list ruleset | grep quota");
}

// --- frames ----------------------------------------------------------------------------------------------------------

class FrameTest : public NftTest {
 protected:
  void SetUp() override {
    NftTest::SetUp();
    try {
      load(frame_table());
    } catch (const Error& error) {
      if (error.error_number() == EINVAL) GTEST_SKIP() << "needs Linux 6.16: " << error.message();
      throw;
    }
    nft::remove(*netlink_, "agentsafe", nft::Family::netdev);
    output_of("ip link set lo up; ip link add e0 type veth peer name p0; ip link set e0 up; ip link set p0 up");
  }
  static bool sends_a_frame(const char* device) {
    return output_of(std::string("python3 -c 'import socket; s = socket.socket(17, 3); s.bind((\"") + device +
                     "\", 0)); s.send(b\"x\" * 60)'") == "";
  }
  static Surroundings raw() { return {{}, {}, true}; }
};

TEST_F(FrameTest, ProgramsSendNoFramesThroughAnyDevice) {
  ASSERT_TRUE(sends_a_frame("e0"));
  Egress(here()).install({}, raw());
  EXPECT_FALSE(sends_a_frame("e0"));
  EXPECT_FALSE(sends_a_frame("lo"));
  output_of("ip link add late0 type veth peer name late1; ip link set late0 up; ip link set late1 up");
  EXPECT_FALSE(sends_a_frame("late0"));
  output_of("ip link set e0 down; ip link set e0 name renamed; ip link set renamed up");
  EXPECT_FALSE(sends_a_frame("renamed"));
  Egress(here()).remove();
  EXPECT_TRUE(sends_a_frame("renamed"));
}

TEST_F(FrameTest, InstallCountsTheFrameOfItsOwn) {
  Egress(here()).install({}, raw());
  const auto counts = nft::counters(*netlink_, "agentsafe", nft::Family::netdev);
  ASSERT_EQ(counts.size(), 1U);
  EXPECT_EQ(counts[0].rule, rule_name::frames);
  EXPECT_EQ(counts[0].packets, 1U);
}

TEST_F(FrameTest, WhatPassesTheLayersOfIpLeaves) {
  output_of(
      "ip addr add 203.0.113.1/24 dev e0; ip addr add 2001:db8::1/64 dev e0 nodad; ip addr add 203.0.113.7/24 dev p0");
  Egress(here()).install(policy::read_egress(R"({"mode":"open"})"), raw());
  output_of("ip route add 198.51.100.0/24 via 203.0.113.9 dev e0");
  const auto before = output_of("grep p0: /proc/net/dev");
  output_of("bash -c 'echo x >/dev/udp/198.51.100.1/9'");  // the kernel asks for the neighbour: ARP
  EXPECT_NE(output_of("grep p0: /proc/net/dev"), before);
}

TEST_F(FrameTest, AChangedTableIsNotTakenForOurs) {
  Egress(here()).install({}, raw());
  nft::Table other = frame_table();
  other.chains[0].rules.erase(other.chains[0].rules.begin() + 1);
  load(other, nft::Existing::replaced);
  EXPECT_NE(error_of([&] { Egress(here()).install({}, raw()); }).find("CAP_NET_RAW ("), std::string::npos);
}

// --- replacing -------------------------------------------------------------------------------------------------------

TEST_F(NftTest, ReplaceRaisesTheEpochAndKeepsTheQuota) {
  const Egress egress(here());
  egress.install(policy::read_egress(R"({"mode":"none"})"), {});
  const auto open = policy::read_egress(R"({"mode":"open","bytes":"2G"})");
  egress.replace(open, {});
  char mark[32];
  std::snprintf(mark, sizeof mark, "ct mark set 0x%08x", mark_of(open, 2));
  EXPECT_NE(output_of("nft list ruleset").find("epoch 2"), std::string::npos);
  EXPECT_NE(output_of("nft list ruleset").find(mark), std::string::npos);
  egress.remove();
  EXPECT_FALSE(egress.exists());
}

}  // namespace
}  // namespace agentsafe::net
