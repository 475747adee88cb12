#include <gtest/gtest.h>

#include <cstring>

#include "runtime/base/error.h"
#include "runtime/systemd/manager.h"
#include "runtime/systemd/unit.h"
#include "runtime/systemd/value.h"
#include "tests/unit/error_of.h"

namespace agentsafe::systemd {
namespace {

TEST(UnitTest, ExpandsSlicesToTheirPaths) {
  EXPECT_EQ(slice_path("system.slice"), "/system.slice");
  EXPECT_EQ(slice_path("a-b-c.slice"), "/a.slice/a-b.slice/a-b-c.slice");
  EXPECT_EQ(slice_path("kubepods-burstable-pod1_2.slice"),
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice");
  EXPECT_EQ(slice_path("-.slice"), "");
  EXPECT_EQ(slice_path("-"), "");
}

TEST(UnitTest, RefusesWhatIsNoSlice) {
  for (const char* name :
       {"", ".slice", "a.service", "a", "a--b.slice", "-a.slice", "a-.slice", "a/b.slice", "../x.slice"})
    EXPECT_TRUE(error_of([&] { (void)slice_path(name); }).starts_with("invalid slice name: ")) << name;
}

TEST(UnitTest, EscapesWhatNamesMayNotHold) {
  EXPECT_EQ(escape_name("a.b-c_d:e@f"), "a.b-c_d:e@f");
  EXPECT_EQ(escape_name("a+b"), "a\\x2bb");
}

TEST(UnitTest, RefusesNamesThatSystemdWould) {
  EXPECT_NO_THROW(check_unit_name("web.scope"));
  EXPECT_NO_THROW(check_unit_name("web.slice"));
  for (const auto& name : {std::string("web.service"), std::string(".scope"), std::string(260, 'x') + ".scope"})
    EXPECT_NE(error_of([&] { check_unit_name(name); }), "no error") << name;
}

TEST(UnitTest, WritesObjectPathsAsDBusDoes) {
  EXPECT_EQ(object_path("a-b.scope"), "/org/freedesktop/systemd1/unit/a_2db_2escope");
  EXPECT_EQ(object_path("1a.slice"), "/org/freedesktop/systemd1/unit/_31a_2eslice");
}

TEST(UnitTest, FindsTheUsersManagerFromAnyOfItsProcesses) {
  EXPECT_EQ(user_manager_path("/user.slice/user-1000.slice/session-3.scope", 1000),
            "/user.slice/user-1000.slice/user@1000.service");
  EXPECT_EQ(user_manager_path("/user.slice/user-7.slice/user@7.service/app.slice/x.scope", 0),
            "/user.slice/user-7.slice/user@7.service");
  EXPECT_EQ(user_manager_path("/system.slice/cron.service", 1001), "/user.slice/user-1001.slice/user@1001.service");
}

TEST(GvariantTest, ReadsEveryBasicType) {
  EXPECT_EQ(parse_gvariant("'inactive-or-failed'"), text("inactive-or-failed"));
  EXPECT_EQ(parse_gvariant("\"it's\""), text("it's"));
  EXPECT_EQ(parse_gvariant("'a\\'b\\n'"), text("a'b\n"));
  EXPECT_EQ(parse_gvariant(" true "), boolean(true));
  EXPECT_EQ(parse_gvariant("uint64 123456789"), number('t', 123456789));
  EXPECT_EQ(parse_gvariant("@t 5"), number('t', 5));
  EXPECT_EQ(parse_gvariant("42"), number('i', 42));
  EXPECT_EQ(parse_gvariant("-1"), number('i', static_cast<std::uint64_t>(-1)));
  EXPECT_EQ(parse_gvariant("byte 0xff"), number('y', 255));
  EXPECT_EQ(parse_gvariant("int16 -32768"), number('n', static_cast<std::uint64_t>(-32768)));
  EXPECT_EQ(parse_gvariant("objectpath '/a'").signature, "o");
  double parsed = 0;
  const auto fraction = parse_gvariant("-12.5e1");
  std::memcpy(&parsed, &fraction.bits, sizeof parsed);
  EXPECT_EQ(fraction.signature, "d");
  EXPECT_DOUBLE_EQ(parsed, -125.0);
}

TEST(GvariantTest, ReadsContainers) {
  EXPECT_EQ(parse_gvariant("['a', 'b']"), array("s", {text("a"), text("b")}));
  EXPECT_EQ(parse_gvariant("@as []"), array("s", {}));
  EXPECT_EQ(parse_gvariant("[byte 1, 2]"), bytes("\x01\x02"));
  EXPECT_EQ(parse_gvariant("@a(ss) [('/dev/null', 'rw')]"),
            array("(ss)", {structure({text("/dev/null"), text("rw")})}));
  EXPECT_EQ(parse_gvariant("(1, 'a')").signature, "(is)");
  EXPECT_EQ(parse_gvariant("{'a': uint32 1}").signature, "a{su}");
  EXPECT_EQ(parse_gvariant("<uint32 5>").items.front(), number('u', 5));
}

TEST(GvariantTest, RefusesWhatItCannotRead) {
  for (const char* given : {"", "'a", "[1, 'a']", "[]", "byte 256", "uint32 -1", "uint64 'a'", "1 2", "nothing", "(1",
                            "@", "--1", "int16 -32769", "<", "uint64", "12.x"})
    EXPECT_NE(error_of([&] { (void)parse_gvariant(given); }), "no error") << given;
  EXPECT_NE(error_of([] { (void)parse_gvariant(std::string(100, '[')); }), "no error");
}

TEST(ManagerTest, SaysInOneLineThatSystemdDoesNotRun) {
  if (::access("/run/systemd/system", F_OK) == 0) GTEST_SKIP() << "systemd runs on this host";
  EXPECT_EQ(
      error_of([] { Manager({.user = false, .session_bus = {}}); }),
      "systemd does not run on this host (/run/systemd/system is missing): start it, or use --cgroup-manager=cgroupfs");
}

TEST(ManagerTest, SaysInOneLineThatTheUsersSystemdCannotBeReached) {
  const auto message = error_of([] { Manager({.user = true, .session_bus = "unix:path=/nonexistent/agentsafe/bus"}); });
  EXPECT_TRUE(message.starts_with("connect to systemd: unix:path=/nonexistent/agentsafe/bus: missing (ENOENT)") ||
              message.starts_with("load libsystemd.so.0: "))
      << message;
  EXPECT_TRUE(message.ends_with("or use --cgroup-manager=cgroupfs")) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace agentsafe::systemd
