// A container layer that does nothing: it keeps what it was asked for, so that tests of the command line see the whole
// way from words to a request without root, processes or cgroups.
//
//   const Outcome outcome = run({"kill", "web", "9"});
//   EXPECT_EQ(fake().killed.at(0).signal, "9");
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/cli/environment.h"
#include "runtime/container/requests.h"

namespace agentsafe::cli {

struct FakeContainers {
  // what was asked for
  std::optional<container::Runtime> runtime;
  std::optional<container::CreateRequest> created;
  std::optional<container::CheckpointRequest> checkpointed;
  std::optional<container::RestoreRequest> restored;
  std::optional<container::RunRequest> ran;
  std::optional<container::StartRequest> started;
  std::optional<container::ExecRequest> executed;
  std::vector<container::KillRequest> killed;
  std::vector<container::DeleteRequest> removed;
  std::vector<std::string> paused, resumed;
  std::optional<container::UpdateRequest> updated;
  std::optional<container::EventsRequest> watched;
  std::vector<std::string> egress;  // "show ID json", "set ID {…}", "why ID DEST"
  // what is answered
  int status = 0;
  std::string failure;  // thrown by every function when not empty
  std::string warning;  // logged by every function when not empty
  std::vector<container::ContainerState> containers;
  std::vector<std::int32_t> pids;
  std::vector<std::string> event_lines;
};
// The one in use; run() below does not clear it, tests do: fake() = {}.
FakeContainers& fake();

struct Outcome {
  int status = 0;
  std::string out;
  std::string err;
};
// Runs the program as main does, with an environment of root's.
Outcome run(const std::vector<std::string>& words, const Environment& environment = {.state_root = "/run/agentsafe"},
            const std::string& program = "/usr/sbin/agentsafe");

}  // namespace agentsafe::cli
