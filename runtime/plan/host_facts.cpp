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

HostFacts probe_host() {
  HostFacts facts;
  facts.euid = sys::effective_uid();
  facts.egid = ::getegid();
  const auto map = sys::own_uid_map();
  facts.in_user_namespace = map && !is_initial(*map);
  facts.user = map ? outside_uid(*map, facts.euid).value_or(facts.euid) : facts.euid;
  facts.may_set_groups = may_set_groups(facts.in_user_namespace);
  facts.cgroups = cgroup::probe_hierarchies();
  return facts;
}

}  // namespace agentsafe::plan
