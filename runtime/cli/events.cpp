#include "runtime/cli/invocation.h"
#include "runtime/cli/values.h"
#include "runtime/cli/verbs.h"

namespace agentsafe::cli {

int events(const Invocation& invocation) {
  container::EventsRequest request;
  request.id = invocation.id();
  request.stats = invocation.arguments.on("stats");
  const std::string raw = invocation.arguments.text("interval", "5s");
  const auto interval = parse_duration(raw);
  if (!interval || interval->count() <= 0)
    Arguments::refuse("interval", raw, "expected a duration above 0 like 5s, 1m30s or 500ms");
  request.interval = *interval;
  container::events(invocation.runtime, request, [&](const std::string& line) { invocation.print(line + "\n"); });
  return 0;
}

}  // namespace agentsafe::cli
