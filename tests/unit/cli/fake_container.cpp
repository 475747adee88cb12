#include "tests/unit/cli/fake_container.h"

#include <gtest/gtest.h>

#include "runtime/base/error.h"
#include "runtime/cli/program.h"

namespace agentsafe::cli {

FakeContainers& fake() {
  static FakeContainers containers;
  return containers;
}

Outcome run(const std::vector<std::string>& words, const Environment& environment, const std::string& program) {
  Outcome outcome;
  testing::internal::CaptureStderr();
  outcome.status = run_program(program, words, environment, [&](std::string_view text) { outcome.out.append(text); });
  outcome.err = testing::internal::GetCapturedStderr();
  return outcome;
}

}  // namespace agentsafe::cli

namespace agentsafe::container {
namespace {

cli::FakeContainers& called(Runtime& runtime) {
  auto& fake = cli::fake();
  fake.runtime = runtime;
  if (!fake.warning.empty()) runtime.log->warning(fake.warning);
  if (!fake.failure.empty()) fail(fake.failure);
  return fake;
}

}  // namespace

void create(Runtime& runtime, const CreateRequest& request) { called(runtime).created = request; }

int run(Runtime& runtime, const RunRequest& request) {
  called(runtime).ran = request;
  return cli::fake().status;
}

void start(Runtime& runtime, const StartRequest& request) { called(runtime).started = request; }

int exec(Runtime& runtime, const ExecRequest& request) {
  called(runtime).executed = request;
  return cli::fake().status;
}

void kill(Runtime& runtime, const KillRequest& request) { called(runtime).killed.push_back(request); }
void remove(Runtime& runtime, const DeleteRequest& request) { called(runtime).removed.push_back(request); }
void checkpoint(Runtime& runtime, const CheckpointRequest& request) { called(runtime).checkpointed = request; }
int restore(Runtime& runtime, const RestoreRequest& request) {
  called(runtime).restored = request;
  return cli::fake().status;
}
void pause(Runtime& runtime, const std::string& id) { called(runtime).paused.push_back(id); }
void resume(Runtime& runtime, const std::string& id) { called(runtime).resumed.push_back(id); }

ContainerState state(Runtime& runtime, const std::string& id) {
  for (const auto& container : called(runtime).containers)
    if (container.id == id) return container;
  fail("container does not exist: " + id);
}

std::vector<ContainerState> list(Runtime& runtime) { return called(runtime).containers; }

std::vector<std::string> ids(Runtime& runtime) {
  std::vector<std::string> found;
  for (const auto& container : called(runtime).containers) found.push_back(container.id);
  return found;
}

std::vector<std::int32_t> processes(Runtime& runtime, const std::string&) { return called(runtime).pids; }
void update(Runtime& runtime, const UpdateRequest& request) { called(runtime).updated = request; }

std::string egress_show(Runtime& runtime, const std::string& id, bool json) {
  called(runtime).egress.push_back("show " + id + (json ? " json" : ""));
  return "shown\n";
}
void egress_set(Runtime& runtime, const std::string& id, std::string_view json) {
  called(runtime).egress.push_back("set " + id + " " + std::string(json));
}
std::string why_open(Runtime& runtime, const std::string& id, const std::string& path) {
  called(runtime);
  return "open " + id + " " + path + "\n";
}

std::string why_exec(Runtime& runtime, const std::string& id, const std::string& path) {
  called(runtime);
  return "exec " + id + " " + path + "\n";
}

std::string why_capability(Runtime& runtime, const std::string& id, const std::string& name) {
  called(runtime);
  return "capability " + id + " " + name + "\n";
}

std::string why_connect(Runtime& runtime, const std::string& id, std::string_view to) {
  called(runtime).egress.push_back("why " + id + " " + std::string(to));
  return "refused: not in egress.allow\n";
}

void events(Runtime& runtime, const EventsRequest& request, const std::function<void(const std::string&)>& print) {
  called(runtime).watched = request;
  for (const auto& line : cli::fake().event_lines) print(line);
}

}  // namespace agentsafe::container
