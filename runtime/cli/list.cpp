#include "runtime/cli/invocation.h"
#include "runtime/cli/state_text.h"
#include "runtime/cli/verbs.h"
#include "runtime/sys/fd.h"

namespace agentsafe::cli {
namespace {

// The host's own users only: directories of users (NSS) would need dlopen, which a static program does not have.
std::string owner_name(std::string_view passwd, std::uint32_t uid) {
  for (const auto line : text::lines(passwd)) {
    const auto fields = text::split(line, ':');  // passwd(5)
    if (fields.size() > 2 && text::parse<std::uint32_t>(fields[2]) == uid) return std::string(fields[0]);
  }
  return "#" + std::to_string(uid);
}

}  // namespace

int list(const Invocation& invocation) {
  std::vector<PrintedState> states;
  const std::string passwd = sys::try_read_file(sys::at_cwd, "/etc/passwd").value_or("");
  for (const auto& state : container::list(invocation.runtime))
    states.push_back({state, owner_name(passwd, state.owner_uid)});
  if (invocation.arguments.on("quiet")) {
    for (const PrintedState& one : states) invocation.print(one.id + "\n");
    return 0;
  }
  const bool json = invocation.arguments.text("format") == "json";
  invocation.print(json ? list_json(states) : list_table(states));
  return 0;
}

}  // namespace agentsafe::cli
