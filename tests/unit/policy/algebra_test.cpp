// The order of policies: meet is a lattice's. Checked on generated policies, key by key and altogether.
#include <gtest/gtest.h>

#include <random>

#include "runtime/base/text.h"
#include "runtime/policy/fields.h"
#include "runtime/policy/policy.h"

namespace agentsafe::policy {
namespace {

constexpr int rounds = 3000;

// Values of every kind that overlap, contain and exclude each other.
const std::vector<std::string> samples_of(const Field& field) {
  switch (field.kind) {
    case Kind::permission:
    case Kind::restriction: return {"true", "false"};
    case Kind::word:
    case Kind::profile: {
      std::vector<std::string> words;
      for (const auto word : text::split(field.words, '|')) words.emplace_back(word);
      return words;
    }
    case Kind::path: return {"/workspace", "/a", ""};
    case Kind::size: return {"0", "1", "64K", "1G", "unlimited"};
    case Kind::count: return {"1", "2", "65536", "unlimited"};
    case Kind::cpus: return {"0.5", "1", "1.001", "64", "unlimited"};
    case Kind::duration: return {"1s", "1m", "2h", "unlimited"};
    case Kind::names: {
      std::vector<std::string> lists{"[]"};
      std::string all;
      for (const auto word : text::split(field.words.empty() ? "a|b|*_TOKEN" : field.words, '|').size() > 3
                                 ? text::split("ALL|CHOWN|NET_RAW|KILL", '|')
                                 : text::split(field.words.empty() ? "a|b|*_TOKEN" : field.words, '|')) {
        if (field.key != "process.capabilities" && word == "ALL") continue;
        lists.push_back("[\"" + std::string(word) + "\"]");
      }
      return field.key == "process.capabilities"
                 ? std::vector<std::string>{"[]", "[\"ALL\"]", "CHOWN,KILL", "KILL,NET_RAW"}
             : field.words.empty()
                 ? std::vector<std::string>{"[]", "a,b", "b,c", "a,b,c"}
                 : std::vector<std::string>{"[]", std::string(field.words.substr(0, field.words.find('|')))};
    }
    case Kind::paths: return {"[]", "/", "/a", "/a/b", "/a/b,/c", "/ab,/a/c", "/c,/a"};
    case Kind::ports: return {"none", "engine", "80", "80,443", "443,8080"};
    case Kind::destinations:
      return {"[]",
              "8.8.8.8:53",
              "8.8.0.0/16:1-1024",
              "8.8.8.0/24:*,9.9.9.9:443",
              "udp/8.8.8.8:53,8.8.0.0/16:53",
              "[2001:db8::/32]:443",
              "[2001:db8::1]:1-1000,9.9.9.9:*",
              "a.example:443",
              "a.example:1-500"};
    case Kind::rules: return {"[]", R"([{"on":"exec","match":"x","do":"kill"}])"};
  }
  return {};
}

class Generator {
 public:
  Policy policy() {
    Policy made;
    for (const Field& field : fields()) {
      const auto samples = samples_of(field);
      made = read_one(field.key, samples[random_() % samples.size()], made);
    }
    return made;
  }

 private:
  std::mt19937 random_{20261121};
};

TEST(PolicyAlgebraTest, MeetIsIdempotentAndCommutativeAndAssociative) {
  Generator generate;
  for (int i = 0; i < rounds; ++i) {
    const Policy a = generate.policy();
    const Policy b = generate.policy();
    const Policy c = generate.policy();
    ASSERT_EQ(to_json(meet(a, a)), to_json(a));
    ASSERT_EQ(to_json(meet(a, b)), to_json(meet(b, a)));
    ASSERT_EQ(to_json(meet(meet(a, b), c)), to_json(meet(a, meet(b, c))));
  }
}

TEST(PolicyAlgebraTest, MeetNeverWidensAndIsTheWidestThatDoesNot) {
  Generator generate;
  for (int i = 0; i < rounds; ++i) {
    const Policy a = generate.policy();
    const Policy b = generate.policy();
    const Policy both = meet(a, b);
    ASSERT_TRUE(narrower_or_equal(both, a));
    ASSERT_TRUE(narrower_or_equal(both, b));
    if (narrower_or_equal(a, b)) {
      ASSERT_EQ(to_json(both), to_json(a));
    }
    const Policy below = meet(both, generate.policy());
    ASSERT_TRUE(narrower_or_equal(below, a) && narrower_or_equal(below, b));
  }
}

TEST(PolicyAlgebraTest, EveryKeyHasTwoSamplesSoThatTheTestsAboveSeeIt) {
  for (const Field& field : fields()) EXPECT_GE(samples_of(field).size(), 2U) << field.key;
}

TEST(PolicyAlgebraTest, ListsOfPermissionsMeetInWhatBothCover) {
  const auto allow = [](const char* list) { return read_one("egress.allow", list, {}); };
  EXPECT_EQ(meet(allow("8.8.0.0/16:1-1024"), allow("8.8.8.8:1000-2000,1.1.1.1:53")).egress_allow,
            Words{"8.8.8.8:1000-1024"});
  EXPECT_TRUE(meet(allow("8.8.8.8:53"), allow("udp/8.8.8.8:53")).egress_allow.empty());
  const auto writable = [](const char* list) { return read_one("fs.writable", list, {}); };
  EXPECT_EQ(meet(writable("/a,/b"), writable("/a/x,/bb")).writable, Words{"/a/x"});
}

TEST(PolicyAlgebraTest, ListsOfDenialsMeetInAllOfBoth) {
  const auto hidden = [](const char* list) { return read_one("fs.hidden", list, {}); };
  EXPECT_EQ(meet(hidden("/a/x,/b"), hidden("/a")).hidden, (Words{"/a", "/b"}));
}

TEST(PolicyAlgebraTest, ProfilesMeetInTheStricterOne) {
  const auto with = [](const char* profile) { return read_one("process.seccomp", profile, {}); };
  EXPECT_EQ(meet(with("agent-build"), with("agent-browser")).seccomp, "agent-default");
  EXPECT_EQ(meet(with("none"), with("agent-nested")).seccomp, "agent-nested");
  EXPECT_EQ(meet(with("agent-offline"), with("agent-build")).seccomp, "agent-offline");
}

}  // namespace
}  // namespace agentsafe::policy
