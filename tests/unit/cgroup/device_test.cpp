// The device rules, and the two things made of them: the eBPF program, run here by a small interpreter, and the
// version 1 tables, read here as the kernel reads them. Both must answer as the rules do.
#include <random>

#include "runtime/cgroup/device_filter.h"
#include "runtime/cgroup/device_rules.h"
#include "tests/unit/cgroup/fake_tree.h"

namespace agentsafe::cgroup {
namespace {

struct Request {
  DeviceKind kind;
  std::uint32_t major;
  std::uint32_t minor;
  unsigned access;
};

bool run(const std::vector<bpf_insn>& program, const Request& request) {
  const std::uint32_t kind = request.kind == DeviceKind::block ? 1 : 2;
  const std::uint32_t context[] = {(request.access << 16) | kind, request.major, request.minor};
  std::uint32_t registers[11] = {};
  for (std::size_t at = 0; at < program.size(); ++at) {
    const auto& insn = program[at];
    const auto constant = static_cast<std::uint32_t>(insn.imm);
    auto& target = registers[insn.dst_reg];
    switch (insn.code) {
      case BPF_LDX | BPF_MEM | BPF_W: target = context[insn.off / 4]; break;
      case BPF_ALU | BPF_MOV | BPF_X: target = registers[insn.src_reg]; break;
      case BPF_ALU | BPF_MOV | BPF_K: target = constant; break;
      case BPF_ALU | BPF_AND | BPF_K: target &= constant; break;
      case BPF_ALU | BPF_RSH | BPF_K: target >>= constant; break;
      case BPF_JMP32 | BPF_JNE | BPF_K: at += target != constant ? static_cast<std::size_t>(insn.off) : 0; break;
      case BPF_JMP32 | BPF_JEQ | BPF_K: at += target == constant ? static_cast<std::size_t>(insn.off) : 0; break;
      case BPF_JMP | BPF_EXIT: return registers[0] != 0;
      default: ADD_FAILURE() << "instruction " << int{insn.code}; return false;
    }
  }
  ADD_FAILURE() << "the program does not end";
  return false;
}

oci::DeviceCgroup rule(bool allow, const char* type, std::optional<std::int64_t> major,
                       std::optional<std::int64_t> minor, const char* access) {
  return {allow, type, major, minor, access};
}

// Version 1: the default, and one exception that covers all of the request.
bool permitted_by_v1(const std::vector<Write>& writes, const Request& request) {
  const bool default_allow = writes.front().file == "devices.allow";
  for (std::size_t i = 1; i < writes.size(); ++i) {
    char kind = 0;
    char major[16];
    char minor[16];
    char access[8];
    EXPECT_EQ(std::sscanf(writes[i].value.c_str(), "%c %15[0-9*]:%15[0-9*] %7s", &kind, major, minor, access), 4);
    const auto fits = [](const std::string& text, std::uint32_t number) {
      return text == "*" || text == std::to_string(number);
    };
    unsigned bits = 0;
    for (const char letter : std::string(access)) bits |= letter == 'r' ? 2U : letter == 'w' ? 4U : 1U;
    const bool here = (kind == 'b') == (request.kind == DeviceKind::block) && fits(major, request.major) &&
                      fits(minor, request.minor);
    if (!default_allow && here && (request.access & ~bits) == 0) return true;
    if (default_allow && here && (request.access & bits) != 0) return false;
  }
  return default_allow;
}

TEST(DeviceRulesTest, TheUsualDevicesAreAlwaysAllowed) {
  const auto rules = device_rules({rule(false, "a", {}, {}, "rwm")});
  EXPECT_TRUE(permits(rules, DeviceKind::character, 1, 3, access_all));
  EXPECT_TRUE(permits(rules, DeviceKind::character, 136, 7, access_read | access_write));
  EXPECT_TRUE(permits(rules, DeviceKind::block, 8, 0, access_mknod));
  EXPECT_FALSE(permits(rules, DeviceKind::block, 8, 0, access_read));
  EXPECT_FALSE(permits(rules, DeviceKind::character, 10, 229, access_read));
}

TEST(DeviceRulesTest, WithoutRulesEverythingElseIsDenied) {
  EXPECT_FALSE(permits(device_rules({}), DeviceKind::character, 1, 1, access_read));
}

TEST(DeviceRulesTest, TheLastMatchDecidesForEachAccess) {
  const auto rules = device_rules({rule(true, "c", 10, {}, "rw"), rule(false, "c", 10, 5, "w")});
  EXPECT_TRUE(permits(rules, DeviceKind::character, 10, 5, access_read));
  EXPECT_FALSE(permits(rules, DeviceKind::character, 10, 5, access_read | access_write));
  EXPECT_TRUE(permits(rules, DeviceKind::character, 10, 6, access_read | access_write));
}

TEST(DeviceRulesTest, MinusOneAndAbsentMeanAll) {
  const auto rules = device_rules({rule(true, "b", -1, {}, "")});
  EXPECT_TRUE(permits(rules, DeviceKind::block, 123, 45, access_all));
}

TEST(DeviceRulesTest, WrongRulesAreNamed) {
  EXPECT_EQ(error_of([] { (void)device_rules({rule(true, "x", {}, {}, "r")}); }),
            "linux.resources.devices: 0: type \"x\": a, b or c is expected");
  EXPECT_NE(error_of([] { (void)device_rules({rule(true, "c", {}, {}, "rx")}); }).find("letters of rwm"),
            std::string::npos);
  EXPECT_NE(error_of([] { (void)device_rules({rule(true, "c", -2, {}, "r")}); }).find("out of range"),
            std::string::npos);
}

TEST(DeviceTableTest, ADenyingDefaultComesFirst) {
  const auto writes = v1_device_writes(device_rules({rule(false, "a", {}, {}, "rwm"), rule(true, "c", 10, 5, "r")}));
  ASSERT_GE(writes.size(), 3U);
  EXPECT_EQ(writes[0].file + " " + writes[0].value, "devices.deny a");
  EXPECT_EQ(writes[1].file + " " + writes[1].value, "devices.allow c 10:5 r");
  EXPECT_EQ(writes[2].value, "c *:* m");
}

TEST(DeviceTableTest, PrivilegedContainersAllowAll) {
  const auto writes = v1_device_writes(device_rules({rule(true, "a", {}, {}, "rwm")}));
  ASSERT_EQ(writes.size(), 1U);
  EXPECT_EQ(writes[0].file + " " + writes[0].value, "devices.allow a");
}

TEST(DeviceTableTest, AHoleInAWildcardIsRefused) {
  const auto message = error_of([] {
    (void)v1_device_writes(device_rules({rule(true, "c", 10, {}, "rw"), rule(false, "c", 10, 5, "w")}));
  });
  EXPECT_NE(message.find("cannot be enforced"), std::string::npos) << message;
}

TEST(DeviceTableTest, AWildcardDenyTakesBackWhatItCovers) {
  const auto rules = device_rules({rule(true, "c", 10, 5, "rw"), rule(false, "c", 10, {}, "w")});
  const auto writes = v1_device_writes(rules);
  EXPECT_EQ(writes[1].value, "c 10:5 r");
}

class RandomRulesTest : public testing::Test {
 protected:
  std::optional<std::uint32_t> number() {
    static constexpr std::uint32_t numbers[] = {0, 1, 5, 136, 0xFFFFFFFF};
    const auto pick = random_() % 6;
    return pick == 5 ? std::nullopt : std::optional<std::uint32_t>(numbers[pick]);
  }
  std::vector<DeviceRule> rules() {
    std::vector<DeviceRule> list(random_() % 7);
    for (auto& each : list)
      each = {random_() % 2 == 0, static_cast<DeviceKind>(random_() % 3), number(), number(),
              static_cast<unsigned>(1 + random_() % 7)};
    return list;
  }
  Request request() {
    return {random_() % 2 == 0 ? DeviceKind::block : DeviceKind::character, number().value_or(9), number().value_or(9),
            static_cast<unsigned>(1 + random_() % 7)};
  }
  std::mt19937 random_{20260101};
};

TEST_F(RandomRulesTest, TheProgramAnswersAsTheRulesDo) {
  for (int round = 0; round < 2000; ++round) {
    const auto list = rules();
    const auto program = compile_device_filter(list);
    for (int i = 0; i < 50; ++i) {
      const auto asked = request();
      ASSERT_EQ(run(program, asked), permits(list, asked.kind, asked.major, asked.minor, asked.access)) << round;
    }
  }
}

TEST_F(RandomRulesTest, TheTablesNeverAllowMoreThanTheRules) {
  int writable = 0;
  for (int round = 0; round < 2000; ++round) {
    const auto list = rules();
    std::vector<Write> writes;
    try {
      writes = v1_device_writes(list);
    } catch (const Error&) {
      continue;
    }
    ++writable;
    for (int i = 0; i < 50; ++i) {
      const auto asked = request();
      if (permitted_by_v1(writes, asked)) {
        ASSERT_TRUE(permits(list, asked.kind, asked.major, asked.minor, asked.access)) << round;
      }
    }
  }
  EXPECT_GT(writable, 500);
}

}  // namespace
}  // namespace agentsafe::cgroup
