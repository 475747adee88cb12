#include "runtime/plan/host_facts.h"

#include <unistd.h>

#include "runtime/base/text.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"

namespace agentsafe::plan {
namespace {

// user_namespaces(7): the initial namespace shows one line, "0 0 4294967295".
bool is_in_user_namespace() {
  const auto map = sys::try_read_record(sys::at_cwd, "/proc/self/uid_map");
  if (!map) return false;  // a kernel without user namespaces
  const auto fields = text::words(*map);
  return fields.size() != 3 || fields[0] != "0" || fields[1] != "0" || fields[2] != "4294967295";
}

}  // namespace

bool may_set_groups(bool in_user_namespace) {
  if (sys::effective_uid() != 0) return false;
  return !in_user_namespace ||
         text::trim(sys::try_read_file(sys::at_cwd, "/proc/self/setgroups").value_or("")) != "deny";
}

HostFacts probe_host() {
  HostFacts facts;
  facts.euid = sys::effective_uid();
  facts.egid = ::getegid();
  facts.in_user_namespace = is_in_user_namespace();
  facts.may_set_groups = may_set_groups(facts.in_user_namespace);
  facts.cgroups = cgroup::probe_hierarchies();
  return facts;
}

}  // namespace agentsafe::plan
