#include <pwd.h>

#include "runtime/cli/invocation.h"
#include "runtime/cli/state_text.h"
#include "runtime/cli/verbs.h"

namespace agentsafe::cli {
namespace {

std::string owner_name(std::uint32_t uid) {
  const passwd* user = ::getpwuid(uid);
  return user != nullptr ? user->pw_name : "#" + std::to_string(uid);
}

}  // namespace

int list(const Invocation& invocation) {
  std::vector<PrintedState> states;
  for (const auto& state : container::list(invocation.runtime)) states.push_back({state, owner_name(state.owner_uid)});
  if (invocation.arguments.on("quiet")) {
    for (const PrintedState& one : states) invocation.print(one.id + "\n");
    return 0;
  }
  const bool json = invocation.arguments.text("format") == "json";
  invocation.print(json ? list_json(states) : list_table(states));
  return 0;
}

}  // namespace agentsafe::cli
