#include "runtime/container/signal_name.h"

#include <csignal>
#include <cstring>
#include <string>
#include <tuple>
#include <utility>

#include "runtime/base/error.h"
#include "runtime/base/text.h"

namespace agentsafe::container {
namespace {

// "RTMIN+3", "RTMAX-2", "RTMIN": as kill(1) writes real-time signals.
int realtime_signal(std::string_view name) {
  for (const auto& [prefix, base, sign] :
       {std::tuple<std::string_view, int, char>{"rtmin", SIGRTMIN, '+'}, {"rtmax", SIGRTMAX, '-'}}) {
    if (!name.starts_with(prefix)) continue;
    const auto rest = name.substr(prefix.size());
    if (rest.empty()) return base;
    const auto offset = rest[0] == sign ? text::parse<int>(rest.substr(1)) : std::nullopt;
    const int number = offset ? (sign == '+' ? base + *offset : base - *offset) : 0;
    return number >= SIGRTMIN && number <= SIGRTMAX ? number : 0;
  }
  return 0;
}

}  // namespace

int signal_number(std::string_view name) {
  if (const auto number = text::parse<int>(name); number && *number >= 0 && *number <= SIGRTMAX) return *number;
  const std::string lower = text::lower(name);
  std::string_view bare = lower;
  if (bare.starts_with("sig")) bare.remove_prefix(3);
  for (int signal = 1; signal < SIGRTMIN; ++signal) {
    const char* const abbreviation = ::sigabbrev_np(signal);
    if (abbreviation != nullptr && text::lower(abbreviation) == bare) return signal;
  }
  for (const auto& [alias, signal] : {std::pair<std::string_view, int>{"iot", SIGABRT}, {"cld", SIGCHLD}})
    if (bare == alias) return signal;
  if (const int signal = realtime_signal(bare); signal != 0) return signal;
  fail("unknown signal \"" + text::escaped(name) + "\"");
}

}  // namespace agentsafe::container
