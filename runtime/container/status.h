// The whole state machine of a container on one page. Source: runtime.md#lifecycle, and runc for "paused".
// The status is never stored: it is computed from facts (is the init alive, is the exec fifo there, is the cgroup frozen).
#pragma once
#include <string>
#include <string_view>

namespace agentsafe::container {

enum class Status { creating, created, running, paused, stopped };
enum class Operation { start, exec, kill, pause, resume, update, checkpoint, remove };

[[nodiscard]] constexpr std::string_view name_of(Status status) {
  switch (status) {
    case Status::creating: return "creating";
    case Status::created: return "created";
    case Status::running: return "running";
    case Status::paused: return "paused";
    case Status::stopped: return "stopped";
  }
  __builtin_unreachable();
}

[[nodiscard]] constexpr bool permits(Status status, Operation operation) {
  const bool created = status == Status::created;
  const bool running = status == Status::running;
  const bool paused = status == Status::paused;
  switch (operation) {
    case Operation::start: return created;
    case Operation::exec: return created || running;  // paused: only with --ignore-paused
    case Operation::kill: return created || running || paused;
    case Operation::pause: return created || running;
    case Operation::resume: return paused;
    case Operation::update: return created || running || paused;
    case Operation::checkpoint: return running || paused;
    case Operation::remove: return created || status == Status::stopped;
  }
  __builtin_unreachable();
}

static_assert(!permits(Status::running, Operation::start) && !permits(Status::stopped, Operation::start));
static_assert(!permits(Status::running, Operation::remove) && !permits(Status::paused, Operation::remove));
static_assert(!permits(Status::paused, Operation::exec) && !permits(Status::stopped, Operation::kill));
static_assert(!permits(Status::creating, Operation::remove));
static_assert(!permits(Status::created, Operation::checkpoint) && !permits(Status::stopped, Operation::checkpoint));

}  // namespace agentsafe::container
