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
  facts.in_user_namespace = !sys::in_initial_user_namespace().value_or(true);
  facts.may_set_groups = may_set_groups(facts.in_user_namespace);
  facts.cgroups = cgroup::probe_hierarchies();
  return facts;
}

}  // namespace agentsafe::plan
