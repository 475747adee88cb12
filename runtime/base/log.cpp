#include "runtime/base/log.h"

#include <chrono>
#include <ctime>

#include "runtime/base/text.h"

namespace agentsafe {
namespace {

const char* name_of(Log::Level level) {
  switch (level) {
    case Log::Level::error: return "error";
    case Log::Level::warning: return "warning";
    case Log::Level::debug: return "debug";
  }
  __builtin_unreachable();
}

// syslog(3): the severities, and the facility of system daemons.
int priority_of(Log::Level level) {
  switch (level) {
    case Log::Level::error: return 3;
    case Log::Level::warning: return 4;
    case Log::Level::debug: return 7;
  }
  __builtin_unreachable();
}
constexpr int daemon_facility = 3 << 3;

std::string digits(std::size_t width, std::int64_t number) {
  const std::string text = std::to_string(number);
  return std::string(width - std::min(width, text.size()), '0') + text;
}

// From the top of our sources: __FILE__ begins at the build folder.
std::string place_of(const Log::Caller& caller) {
  std::string_view file = caller.file;
  while (file.starts_with("../")) file.remove_prefix(3);
  return std::string(file) + ":" + std::to_string(caller.line);
}

void write_all(FdRef fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // a log that cannot be written must not change how a verb ends
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace

std::string format_log_line(Log::Format format, Log::Level level, std::string_view message, std::string_view stamp,
                            const Log::Caller* caller) {
  std::string line;
  switch (format) {
    case Log::Format::text:
      line.append("time=\"").append(stamp).append("\" level=").append(name_of(level)).append(" msg=");
      line.append(text::json_quoted(message));
      if (caller != nullptr)
        line.append(" func=").append(caller->function).append(" file=").append(text::json_quoted(place_of(*caller)));
      return line.append("\n");
    case Log::Format::json:  // members by their names, as logrus sorts them
      line.append("{");
      if (caller != nullptr)
        line.append("\"file\":").append(text::json_quoted(place_of(*caller))).append(",\"func\":").append(text::json_quoted(caller->function)).append(",");
      line.append("\"level\":\"").append(name_of(level)).append("\",\"msg\":").append(text::json_quoted(message));
      return line.append(",\"time\":\"").append(stamp).append("\"}\n");
    case Log::Format::syslog:
      line.append("<").append(std::to_string(daemon_facility + priority_of(level))).append(">");
      return line.append(stamp).append(": ").append(text::escaped(message));
    case Log::Format::journald:
      line.append("PRIORITY=").append(std::to_string(priority_of(level)));
      line.append("\nSYSLOG_IDENTIFIER=").append(stamp);
      return line.append("\nMESSAGE=").append(text::escaped(message)).append("\n");
  }
  __builtin_unreachable();
}

// gmtime_r(3) would read /etc/localtime first.
std::string rfc3339_now(bool with_nanoseconds) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  using namespace std::chrono;
  const sys_seconds second{seconds(now.tv_sec)};
  const auto day = floor<days>(second);
  const year_month_day date(day);
  const hh_mm_ss time(second - day);
  std::string text = digits(4, static_cast<int>(date.year())) + "-" + digits(2, static_cast<unsigned>(date.month())) +
                     "-" + digits(2, static_cast<unsigned>(date.day())) + "T" + digits(2, time.hours().count()) + ":" +
                     digits(2, time.minutes().count()) + ":" + digits(2, time.seconds().count());
  if (with_nanoseconds && now.tv_nsec != 0) {
    std::string fraction = std::to_string(1'000'000'000 + now.tv_nsec).substr(1);
    fraction.resize(fraction.find_last_not_of('0') + 1);
    text += "." + fraction;
  }
  return text + "Z";
}

void Log::debug(std::string_view message, Caller caller) {
  if (debug_) write(Level::debug, message, caller);
}

void Log::warning(std::string_view message, Caller caller) { warnings_.push_back({std::string(message), caller}); }

void Log::error(std::string_view message, Caller caller) {
  warnings_.clear();
  write(Level::error, message, caller);
  if (file_) write_all(FdRef(STDERR_FILENO), std::string(message) + "\n");
}

void Log::flush() {
  for (const auto& kept : warnings_) write(Level::warning, kept.message, kept.caller);
  warnings_.clear();
}

void Log::write(Level level, std::string_view message, const Caller& caller) {
  const bool keeps_time = format_ == Format::syslog || format_ == Format::journald;
  const std::string line =
      format_log_line(format_, level, message, keeps_time ? tag_ : rfc3339_now(), debug_ ? &caller : nullptr);
  write_all(file_ ? FdRef(file_) : FdRef(STDERR_FILENO), line);
}

}  // namespace agentsafe
