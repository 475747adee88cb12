// The options before the command's name, turned into the log and the runtime's settings.
#pragma once
#include <string>
#include <string_view>

#include "runtime/base/log.h"
#include "runtime/cli/arguments.h"
#include "runtime/cli/environment.h"
#include "runtime/container/requests.h"

namespace agentsafe::cli {

// Where --log points: "PATH", "file:PATH", "syslog:TAG" or "journald:TAG" (crun's words).
struct LogTarget {
  enum class Kind { standard_error, file, syslog, journald } kind = Kind::standard_error;
  std::string name;  // the file, or the tag
};
[[nodiscard]] LogTarget parse_log_target(std::string_view value);

// Opens it: a file for appending, a socket for the other two.
[[nodiscard]] Log open_log(const Arguments& global);
// --log-level error keeps warnings out of the log.
[[nodiscard]] bool wants_warnings(const Arguments& global);

// --systemd-cgroup or --cgroup-manager=systemd.
[[nodiscard]] bool wants_systemd(const Arguments& global);

[[nodiscard]] container::Runtime runtime_settings(const Arguments& global, const Environment& environment, Log& log);

}  // namespace agentsafe::cli
