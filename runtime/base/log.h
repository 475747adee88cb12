// The runtime's log: warnings and errors to a file and to standard error, in logrus' two formats that Docker,
// containerd, podman and CRI-O parse (contract: --log, --log-format, --debug).
//
//   text: time="2026-11-21T02:20:50Z" level=error msg="…"
//   json: {"level":"error","msg":"…","time":"2026-11-21T02:20:50Z"}
//
// With --debug each line says where it comes from, too: func=create file="runtime/container/create.cpp:310".
//
// crun's --log=syslog:TAG and --log=journald:TAG write one datagram per message to the socket of either:
//
//   syslog:   <27>TAG: …                                          (RFC 3164, facility daemon)
//   journald: PRIORITY=3\nSYSLOG_IDENTIFIER=TAG\nMESSAGE=…\n       (systemd.journal-fields(7))
//
// Podman reads the whole file as one JSON object, containerd takes the last level=error: a failing verb therefore
// writes exactly one line. Warnings are kept back until the verb has ended well (flush) and dropped when it fails.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/unique_fd.h"

namespace agentsafe {

class Log {
 public:
  enum class Format { text, json, syslog, journald };
  enum class Level { error, warning, debug };

  Log() = default;
  // file: where --log points, opened for appending; an empty one means standard error.
  // tag: the name that goes before messages to syslog and journald.
  Log(UniqueFd file, Format format, bool debug, std::string tag = "")
      : file_(std::move(file)), format_(format), debug_(debug), tag_(std::move(tag)) {}

  // A place in our sources: without an argument the caller's.
  struct Caller {
    const char* function = "";
    const char* file = "";
    int line = 0;
    static constexpr Caller here(const char* function = __builtin_FUNCTION(), const char* file = __builtin_FILE(),
                                 int line = __builtin_LINE()) {
      return {function, file, line};
    }
  };

  [[nodiscard]] bool debugs() const { return debug_; }
  void debug(std::string_view message, Caller caller = Caller::here());    // only with --debug
  void warning(std::string_view message, Caller caller = Caller::here());  // kept until flush()
  // To the log; with --log also as bare text to standard error.
  void error(std::string_view message, Caller caller = Caller::here());
  void flush();

 private:
  struct Kept {
    std::string message;
    Caller caller;
  };
  void write(Level level, std::string_view message, const Caller& caller);
  UniqueFd file_;
  Format format_ = Format::text;
  bool debug_ = false;
  std::string tag_;
  std::vector<Kept> warnings_;
};

// One formatted message, with its newline where it is a line. stamp: the time in RFC 3339 UTC for text and json, the tag
// for syslog and journald, which keep the time themselves. caller: for text and json, with --debug. Pure, for Log and its tests.
[[nodiscard]] std::string format_log_line(Log::Format format, Log::Level level, std::string_view message,
                                          std::string_view stamp, const Log::Caller* caller = nullptr);
// Now as RFC 3339 UTC; with_nanoseconds as Go's RFC3339Nano does it (trailing zeros cut).
[[nodiscard]] std::string rfc3339_now(bool with_nanoseconds = false);

}  // namespace agentsafe
