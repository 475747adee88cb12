#include "oci/spec_json.h"

#include <gtest/gtest.h>

#include "oci/state.h"
#include "tests/unit/error_of.h"
#include "tests/unit/oci/samples.h"

namespace agentsafe::oci {
namespace {

// The same JSON whatever its spaces and the order of members: names sorted, values as they are.
std::string canonical(const json::Value& value) {
  using Kind = json::Value::Kind;
  if (value.kind == Kind::string) return text::json_quoted(value.text);
  if (value.kind == Kind::number) return std::string(value.text);
  if (value.kind == Kind::boolean) return value.boolean ? "true" : "false";
  if (value.kind == Kind::null) return "null";
  std::map<std::string, std::string> members;
  std::string items;
  for (const auto& item : value) {
    if (value.kind == Kind::object) members[std::string(item.name)] = canonical(item);
    if (value.kind == Kind::array) items += canonical(item) + ",";
  }
  for (const auto& [name, member] : members) items += name + ":" + member + ",";
  return (value.kind == Kind::object ? "{" : "[") + items + "}";
}
std::string canonical(const std::string& text) { return canonical(json::parse(text).root()); }

TEST(SpecJsonTest, EveryPropertySurvivesReadingAndWriting) {
  const std::string text = sample("everything");
  EXPECT_EQ(canonical(to_json(read_spec(text))), canonical(text));
  EXPECT_EQ(canonical(to_json(read_spec(text), 4)), canonical(text));
}

TEST(SpecJsonTest, WritingIsStable) {
  for (const char* name : {"docker", "containerd", "podman", "everything"}) {
    const std::string once = to_json(read_spec(sample(name)));
    EXPECT_EQ(to_json(read_spec(once)), once) << name;
  }
}

TEST(SpecJsonTest, ReadsLimitsBeyondTheSignedNumbers) {
  const auto spec = read_spec(sample("everything"));
  EXPECT_EQ(spec.process->rlimits[0].hard, UINT64_MAX);
  EXPECT_EQ(spec.linux->seccomp->syscalls[2].args[0].value, UINT64_MAX);
  EXPECT_EQ(spec.process->user.uid, 4294967294U);
  EXPECT_EQ(spec.process->ioPriority->class_, "IOPRIO_CLASS_BE");
  EXPECT_EQ(spec.process->execCPUAffinity->final_, "0-3,7");
}

TEST(SpecJsonTest, KeepsAbsentApartFromEmpty) {
  const auto spec =
      read_spec(R"({"ociVersion": "1.0.0", "hooks": {"startContainer": [{"path": "/a", "env": []}, {"path": "/b"}]},
                                  "linux": {"seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "flags": []}}})");
  EXPECT_TRUE(spec.hooks->startContainer[0].env.has_value());
  EXPECT_FALSE(spec.hooks->startContainer[1].env.has_value());
  EXPECT_TRUE(spec.linux->seccomp->flags.has_value());
  EXPECT_FALSE(spec.process.has_value());
}

TEST(SpecJsonTest, ListsEveryViolationInOneLine) {
  EXPECT_EQ(error_of([] {
              (void)read_spec(R"({"process": {"args": "sh", "cwd": 1, "user": {"uid": -1, "gid": 4294967296},
                                              "rlimits": [{"type": "RLIMIT_CORE", "hard": "x", "soft": 1.5}]},
                                  "root": {}, "mounts": [{"source": "x"}], "linux": {"namespaces": [1]}})");
            }),
            "ociVersion: is missing; process: user: uid: -1 is not an integer from 0 to 4294967295; "
            "process: user: gid: 4294967296 is not an integer from 0 to 4294967295; process: args: expected an array; "
            "process: cwd: expected a string; process: rlimits: 0: hard: expected an integer; "
            "process: rlimits: 0: soft: 1.5 is not an integer from 0 to 18446744073709551615; root: path: is missing; "
            "mounts: 0: destination: is missing; linux: namespaces: 0: expected an object");
}

TEST(SpecJsonTest, ReadsAProcessAlone) {
  const auto process = read_process(R"({"args": ["id"], "cwd": "/", "terminal": true})");
  EXPECT_TRUE(process.terminal);
  EXPECT_EQ(process.user.uid, 0U);
  EXPECT_EQ(error_of([] { (void)read_process("{}"); }), "cwd: is missing");
}

TEST(SpecJsonTest, ReadsResourcesAlone) {
  const auto resources = read_resources(R"({"memory": {"limit": 1048576}, "cpu": {"quota": -1}})");
  EXPECT_EQ(resources.memory->limit, 1048576);
  EXPECT_EQ(resources.cpu->quota, -1);
  EXPECT_FALSE(resources.pids.has_value());
}

TEST(StateTest, IsOneCompactLineInTheOrderOfTheSpecification) {
  const State state{"1.3.0", "web", "running", 17, "/run/web", {{"a/b", "c"}}};
  EXPECT_EQ(to_json(state), R"({"ociVersion":"1.3.0","id":"web","status":"running","pid":17,"bundle":"/run/web",)"
                            R"("annotations":{"a/b":"c"}})");
  EXPECT_EQ(to_json(State{"1.3.0", "web", "stopped", 0, "/b", {}}),
            R"({"ociVersion":"1.3.0","id":"web","status":"stopped","pid":0,"bundle":"/b"})");
}

TEST(StateTest, IsWrappedForTheSeccompAgent) {
  const State state{"1.3.0", "web", "creating", 17, "/b", {}};
  const std::string inner = to_json(state);
  EXPECT_EQ(container_process_state(state, 18, "m"),
            R"({"ociVersion":"1.3.0","fds":["seccompFd"],"pid":18,"metadata":"m","state":)" + inner + "}");
  EXPECT_EQ(container_process_state(state, 18, ""),
            R"({"ociVersion":"1.3.0","fds":["seccompFd"],"pid":18,"state":)" + inner + "}");
}

}  // namespace
}  // namespace agentsafe::oci
