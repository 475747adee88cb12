// Runs OCI hooks, on the host (prestart, createRuntime, poststart, poststop) and in the init image (createContainer,
// startContainer). Source: config.md#posix-platform-hooks.
//
//   process::run_hook({.path = "/usr/bin/fix-mounts", .args = {"fix-mounts", "arg1"}}, state_json);
//
// A hook gets the state as one line of JSON on standard input (a memfd: a hook that does not read it blocks nobody),
// its arguments and environment exactly as given, default signal dispositions and no other descriptor. Its output goes
// into the error when it fails.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "oci/spec.h"
#include "runtime/base/wire.h"

namespace agentsafe::process {

struct HookPlan {
  std::string path;
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::int64_t timeout_seconds = 0;  // 0: none
  std::string cwd;                   // empty: the caller's
  std::int32_t output_fd = -1;       // where its standard output goes; -1: into the error when it fails
  std::int32_t error_fd = -1;        // the same for standard error
};

// What a hook gets on standard input; the pid is put in between where it is known late.
struct HookState {
  std::string before_pid;
  std::string after_pid;
  [[nodiscard]] std::string with(std::int64_t pid) const { return before_pid + std::to_string(pid) + after_pid; }
};

// inherited_env: for a hook without an env member (startContainer only).
[[nodiscard]] std::vector<HookPlan> plan_hooks(const std::vector<oci::Hook>& hooks, const std::string& cwd,
                                               const std::vector<std::string>& inherited_env = {});

// Throws when the hook cannot be run, ends with another status than 0 or outlives its timeout (it is killed then).
void run_hook(const HookPlan& hook, const std::string& state);
// All, in order; the first failure is thrown as `error running createRuntime hook #1: …`.
void run_hooks(std::string_view kind, const std::vector<HookPlan>& hooks, const std::string& state);

}  // namespace agentsafe::process

namespace agentsafe::wire {
template <>
inline constexpr auto members<process::HookPlan> =
    std::tuple{&process::HookPlan::path, &process::HookPlan::args, &process::HookPlan::env,
               &process::HookPlan::timeout_seconds, &process::HookPlan::cwd, &process::HookPlan::output_fd,
               &process::HookPlan::error_fd};
template <>
inline constexpr auto members<process::HookState> =
    std::tuple{&process::HookState::before_pid, &process::HookState::after_pid};
}  // namespace agentsafe::wire
