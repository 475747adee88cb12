#include "runtime/plan/host_facts.h"

#include <unistd.h>

#include "runtime/base/text.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"

namespace agentsafe::plan {

bool may_set_groups(bool in_user_namespace) {
  if (sys::effective_uid() != 0) return false;
  return !in_user_namespace ||
         text::trim(sys::try_read_file(sys::at_cwd, "/proc/self/setgroups").value_or("")) != "deny";
}

std::optional<uid_t> outside_uid(std::string_view uid_map, uid_t inside) {
  for (const std::string_view line : text::lines(uid_map)) {
    const auto words = text::words(line);
    if (words.size() != 3) continue;
    const auto first = text::parse<uid_t>(words[0]), outside = text::parse<uid_t>(words[1]),
               size = text::parse<uid_t>(words[2]);
    if (first && outside && size && inside >= *first && inside - *first < *size) return *outside + (inside - *first);
  }
  return std::nullopt;
}

HostFacts probe_host() {
  HostFacts facts;
  facts.euid = sys::effective_uid();
  facts.egid = ::getegid();
  facts.in_user_namespace = !sys::in_initial_user_namespace().value_or(true);
  facts.user = facts.euid;
  if (facts.in_user_namespace)
    facts.user = outside_uid(sys::try_read_file(sys::at_cwd, "/proc/self/uid_map").value_or(""), facts.euid).value_or(facts.euid);
  facts.may_set_groups = may_set_groups(facts.in_user_namespace);
  facts.cgroups = cgroup::probe_hierarchies();
  return facts;
}

}  // namespace agentsafe::plan
