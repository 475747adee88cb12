// The outputs that callers parse, byte for byte.
#include <gtest/gtest.h>

#include "runtime/base/error.h"
#include "runtime/cli/json_layout.h"
#include "runtime/cli/ps_table.h"
#include "runtime/cli/state_text.h"

namespace agentsafe::cli {
namespace {

PrintedState web() {
  return {{.ociVersion = "1.3.0",
           .id = "web",
           .pid = 42,
           .status = "running",
           .bundle = "/b",
           .rootfs = "/b/rootfs",
           .created = "2026-11-21T02:20:50.5Z",
           .annotations = {}},
          ""};
}

PrintedState owned_by(PrintedState state, const char* owner) {
  state.owner = owner;
  return state;
}

TEST(StateTextTest, PrintsTheStateAsRuncDoes) {
  EXPECT_EQ(state_json(web()), R"({
  "ociVersion": "1.3.0",
  "id": "web",
  "pid": 42,
  "status": "running",
  "bundle": "/b",
  "rootfs": "/b/rootfs",
  "created": "2026-11-21T02:20:50.5Z",
  "owner": ""
})");
}

TEST(StateTextTest, PrintsAnnotationsOnlyWhenThereAreSome) {
  auto state = web();
  state.annotations = {{"a", "1"}, {"b", "say \"hi\""}};
  EXPECT_NE(state_json(state).find(
                "  \"annotations\": {\n    \"a\": \"1\",\n    \"b\": \"say \\\"hi\\\"\"\n  },\n  \"owner\""),
            std::string::npos);
}

TEST(StateTextTest, ListsContainersAsOneLineOfJson) {
  EXPECT_EQ(list_json({owned_by(web(), "root")}),
            "[{\"ociVersion\":\"1.3.0\",\"id\":\"web\",\"pid\":42,\"status\":\"running\",\"bundle\":\"/b\","
            "\"rootfs\":\"/b/rootfs\",\"created\":\"2026-11-21T02:20:50.5Z\",\"owner\":\"root\"}]\n");
  EXPECT_EQ(list_json({}), "null\n");
}

TEST(StateTextTest, ListsContainersInColumns) {
  auto other = web();
  other.id = "a-longer-name";
  other.bundle = "/b/\u00fc";  // two bytes, one column
  EXPECT_EQ(list_table({owned_by(web(), "root"), owned_by(other, "#1000")}),
            "ID              PID         STATUS      BUNDLE      CREATED                  OWNER\n"
            "web             42          running     /b          2026-11-21T02:20:50.5Z   root\n"
            "a-longer-name   42          running     /b/\u00fc        2026-11-21T02:20:50.5Z   #1000\n");
  EXPECT_EQ(list_table({}), "ID          PID         STATUS      BUNDLE      CREATED     OWNER\n");
}

TEST(JsonLayoutTest, LaysOutAsGoDoes) {
  EXPECT_EQ(indented(R"({"a":[1,true,null],"b":{},"c":[],"d":{"e":"x"}})", "\t"),
            "{\n\t\"a\": [\n\t\t1,\n\t\ttrue,\n\t\tnull\n\t],\n\t\"b\": {},\n\t\"c\": [],\n\t\"d\": {\n\t\t\"e\": "
            "\"x\"\n\t}\n}");
  EXPECT_EQ(indented("{}", "  "), "{}");
  EXPECT_EQ(indented("", "  "), "");
}

TEST(JsonLayoutTest, LeavesStringsAlone) {
  EXPECT_EQ(indented(R"(["{a:b,c}","\"[","\\"])", " "), "[\n \"{a:b,c}\",\n \"\\\"[\",\n \"\\\\\"\n]");
}

TEST(PsTableTest, KeepsTheHeadingAndTheLinesOfTheContainer) {
  const std::string table =
      "UID   PID  PPID CMD\nroot    1     0 init\nroot   12     1 sleep 1\nroot  112     1 x 12\n";
  EXPECT_EQ(filter_ps(table, {12, 99}), "UID   PID  PPID CMD\nroot   12     1 sleep 1\n");
  EXPECT_EQ(filter_ps(table, {}), "UID   PID  PPID CMD\n");
}

TEST(PsTableTest, RefusesATableWithoutProcessIds) {
  EXPECT_THROW((void)filter_ps("COMMAND\nsleep\n", {1}), Error);
  EXPECT_THROW((void)filter_ps("", {1}), Error);
  EXPECT_THROW((void)filter_ps("USER PID\nroot\n", {1}), Error);
  EXPECT_THROW((void)filter_ps("PID\nx\n", {1}), Error);
}

TEST(PsTableTest, PrintsProcessIdsAsJson) {
  EXPECT_EQ(pids_as_json({1, 22}), "[1,22]\n");
  EXPECT_EQ(pids_as_json({}), "[]\n");
}

}  // namespace
}  // namespace agentsafe::cli
