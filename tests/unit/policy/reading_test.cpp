// Policies as text: what is read is printed and read again; what is wrong is named with an example of what is right.
#include <gtest/gtest.h>

#include "runtime/base/error.h"
#include "runtime/policy/amounts.h"
#include "runtime/policy/fields.h"
#include "runtime/policy/policy.h"

namespace agentsafe::policy {
namespace {

Policy read(const std::string& members) {
  Sources sources;
  return read_changes("{\"version\":1" + members + "}", {}, sources, "test");
}

std::string refusal(const std::string& members) {
  try {
    static_cast<void>(read(members));
  } catch (const Error& error) {
    return error.message();
  }
  return "";
}

std::string refused(const std::string& json) {
  Sources sources;
  try {
    static_cast<void>(read_changes(json, {}, sources, "test"));
  } catch (const Error& error) {
    return error.message();
  }
  return "";
}

// {"egress": {"dns": {"local": VALUE}}} for egress.dns.local
std::string nested(std::string_view key, std::string_view value) {
  std::string out = ",";
  std::string closing;
  for (;;) {
    const auto point = key.find('.');
    out += "\"" + std::string(key.substr(0, point)) + "\":";
    if (point == std::string_view::npos) return out + std::string(value) + closing;
    out += "{";
    closing += "}";
    key.remove_prefix(point + 1);
  }
}

TEST(PolicyReadingTest, EmptyFileChangesNothing) { EXPECT_EQ(read(""), Policy{}); }

TEST(PolicyReadingTest, EveryExampleIsARightValueAndIsPrintedAsItIsRead) {
  for (const Field& field : fields()) {
    const Policy policy = read(nested(field.key, field.example));
    Sources sources;
    EXPECT_EQ(read_changes(to_json(policy), {}, sources, ""), policy) << field.key;
    EXPECT_EQ(read_changes(to_json(policy, 2), {}, sources, ""), policy) << field.key;
  }
}

TEST(PolicyReadingTest, EveryKeyRefusesAValueOfAnotherTypeWithItsPathAndAnExample) {
  for (const Field& field : fields()) {
    const std::string message = refusal(nested(field.key, "{\"x\":1}"));
    EXPECT_NE(message.find(field.key), std::string::npos) << field.key;
    EXPECT_NE(message.find("a right value is " + std::string(field.example)), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  }
}

TEST(PolicyReadingTest, WrongValuesAreNamed) {
  struct Row {
    const char* members;
    const char* says;
  };
  const Row rows[] = {
      {R"(,"limits":{"memory":"4X"}})", "JSON"},
      {R"(,"limits":{"memory":"4X"})", "limits.memory: \"4X\""},
      {R"(,"limits":{"memory":-1})", "limits.memory: \"-1\""},
      {R"(,"limits":{"memory":"9999999999G"})", "limits.memory"},
      {R"(,"limits":{"pids":0})", "limits.pids: \"0\""},
      {R"(,"limits":{"cpus":1.5555})", "limits.cpus: \"1.5555\""},
      {R"(,"limits":{"wall":"30 minutes"})", "limits.wall"},
      {R"(,"limits":7)", "limits: expected an object"},
      {R"(,"limit":{})", "limit: there is no such key"},
      {R"(,"limits":{"mem":"4G"})", "limits.mem: there is no such key"},
      {R"(,"privileged":"no")", "privileged: expected true or false"},
      {R"(,"host_namespaces":["user"])", "is not one of ipc, network, pid, uts"},
      {R"(,"ingress":[0])", "ingress: expected a port from 1 to 65535"},
      {R"(,"ingress":"all")", "is not one of engine, auto"},
      {R"(,"egress":{"allow":["10.0.0.1"]})", "egress.allow: \"10.0.0.1\": the port is missing"},
      {R"(,"egress":{"allow":["10.0.0.1/8:1"]})", "egress.allow"},
      {R"(,"fs":{"hidden":["root"]})", "fs.hidden: \"root\" is not an absolute path"},
      {R"(,"process":{"capabilities":["CAP_EVERYTHING"]})", "process.capabilities: \"EVERYTHING\""},
      {R"(,"process":{"seccomp":"agent-defaut"})", "process.seccomp: \"agent-defaut\" is not one of agent-offline"},
      {R"(,"process":{"env_deny":[""]})", "process.env_deny: an entry is empty"},
      {R"(,"guard":[{"on":"exec","match":"x"}])", "guard: \"do\" is missing"},
      {R"(,"guard":[{"on":"exec","match":"x","do":"bite"}])", "guard: \"bite\" is not one of log, deny, kill, freeze"},
  };
  for (const Row& row : rows) {
    const std::string message = refusal(row.members);
    if (std::string_view(row.says) == "JSON")
      EXPECT_NE(message, "") << row.members;
    else
      EXPECT_NE(message.find(row.says), std::string::npos) << row.members << ": " << message;
  }
}

TEST(PolicyReadingTest, AllViolationsAreNamedTogether) {
  const std::string message = refusal(R"(,"a":1,"b":2)");
  EXPECT_NE(message.find("a: there is no such key; b: there is no such key"), std::string::npos) << message;
}

TEST(PolicyReadingTest, VersionIsNeededAndOne) {
  for (const char* json : {"{}", R"({"version":2})", R"({"version":"1"})"})
    EXPECT_NE(refused(json).find("version: expected the number 1"), std::string::npos) << json;
  EXPECT_NE(refused("[]").find("expected an object"), std::string::npos);
  EXPECT_NE(refused("{\"version\":1,").size(), 0U);
}

TEST(PolicyReadingTest, ControlCharactersOfAKeyDoNotReachTheTerminal) {
  EXPECT_EQ(refusal(",\"\\u001b[2J\":1").find('\x1b'), std::string::npos);
}

TEST(PolicyReadingTest, AmountsReadBackAsTheyArePrinted) {
  for (const auto kind : {Kind::size, Kind::count, Kind::cpus, Kind::duration})
    for (const std::uint64_t amount : {std::uint64_t{1}, std::uint64_t{60}, std::uint64_t{1024}, std::uint64_t{1500},
                                       std::uint64_t{86400}, std::uint64_t{1} << 32, no_limit})
      EXPECT_EQ(parse_amount(amount_text(amount, kind), kind), amount) << amount_text(amount, kind);
  EXPECT_EQ(parse_amount("4G", Kind::size), std::uint64_t{4} << 30);
  EXPECT_EQ(parse_amount("1.5", Kind::cpus), 1500U);
  EXPECT_EQ(parse_amount("half", Kind::cpus), half_of_host);
  for (const char* text : {"", "G", "4g", " 4", "4G ", "0x10", "1e3", "+1", "-1"})
    EXPECT_FALSE(parse_amount(text, Kind::size)) << text;
}

TEST(PolicyReadingTest, AnnotationsMayBeBareWordsListsAndNumbers) {
  EXPECT_EQ(read_one("limits.memory", "2G", {}).memory, std::uint64_t{2} << 30);
  EXPECT_EQ(read_one("limits.memory", "\"2G\"", {}).memory, std::uint64_t{2} << 30);
  EXPECT_EQ(read_one("ingress", "80, 443", {}).ingress, (Words{"443", "80"}));
  EXPECT_EQ(read_one("ingress", "none", {}).ingress, Words{});
  EXPECT_EQ(read_one("process.capabilities", "CAP_KILL,CHOWN", {}).capabilities, (Words{"CHOWN", "KILL"}));
  EXPECT_FALSE(read_one("privileged", "false", {}).privileged);
}

TEST(PolicyObjectionsTest, NameEveryKeyWhoseMachineryIsMissing) {
  const auto objects = [](const char* key, const char* value) {
    for (const auto& line : objections(read_one(key, value, {})))
      if (line.starts_with(std::string(key) + ":")) return true;
    return false;
  };
  EXPECT_TRUE(objects("egress.presets", "pypi"));
  EXPECT_TRUE(objects("egress.dns.local", "db"));
  EXPECT_TRUE(objects("limits.wall", "30m"));
  EXPECT_TRUE(objects("limits.cpu_time", "1h"));
  EXPECT_TRUE(objects("audit.mode", "audit"));
  EXPECT_TRUE(objects("audit.events", "exec"));
  EXPECT_TRUE(objects("guard", R"([{"on":"exec","match":"x","do":"kill"}])"));
  EXPECT_TRUE(objects("fs.workspace.mode", "overlay"));
  EXPECT_TRUE(objects("fs.scratch", "disk"));  // without fs.rootfs overlay
  EXPECT_TRUE(objections(Policy{}).empty());
}

TEST(PolicyObjectionsTest, EgressNamesAndPrivateAddressesAreRefused) {
  const auto says = [](const char* destination) {
    Policy policy = read_one("egress.mode", "strict", read_one("egress.allow", destination, {}));
    policy.capabilities.clear();
    for (const auto& line : objections(policy))
      if (line.starts_with("egress.allow")) return line;
    return std::string();
  };
  EXPECT_NE(says("git.example.com:22").find("is a name"), std::string::npos);
  EXPECT_NE(says("10.2.0.0/16:5432").find("egress.internal"), std::string::npos);
  EXPECT_EQ(says("192.0.2.0/24:443"), "");
}

TEST(PolicyObjectionsTest, PacketSocketsDoNotGoWithEgressRules) {
  Policy policy = read_one("egress.mode", "open", {});
  const auto objects = [&] {
    for (const auto& line : objections(policy))
      if (line.find("NET_RAW") != std::string::npos) return true;
    return false;
  };
  EXPECT_FALSE(objects()) << "ALL: the bundle's own are looked at when its plan is made";
  policy.capabilities = {"CHOWN", "NET_RAW"};
  EXPECT_TRUE(objects());
  policy.seccomp = "agent-default";
  EXPECT_FALSE(objects()) << "it leaves only sockets whose packets the rules see";
  policy.seccomp = "none";
  policy.capabilities = {"CHOWN"};
  EXPECT_FALSE(objects());
}

TEST(PolicyEgressTest, IsWhatTheKeysSay) {
  Policy policy = read(R"(,"ingress":[8080],"egress":{"mode":"strict","allow":["203.0.113.0/24:8443"],"bytes":"2G"})");
  const auto egress = egress_of(policy);
  ASSERT_TRUE(egress);
  EXPECT_EQ(egress->mode, EgressMode::strict);
  EXPECT_EQ(egress->allow, std::vector{parse_dest("203.0.113.0/24:8443")});
  EXPECT_EQ(egress->bytes, std::uint64_t{2} << 30);
  EXPECT_EQ(egress->connections, std::nullopt);
  EXPECT_EQ(egress->ingress, (Ingress{Ingress::Kind::ports, {8080}}));
  EXPECT_FALSE(egress_of(Policy{}));
}

}  // namespace
}  // namespace agentsafe::policy
