#include "runtime/security/seccomp.h"

#include <linux/seccomp.h>

#include <algorithm>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/security/seccomp_decisions.h"
#include "runtime/security/seccomp_program.h"
#include "runtime/security/seccomp_words.h"

namespace agentsafe::security {
namespace {

std::uint32_t flags_of(const oci::Seccomp& seccomp) {
  if (!seccomp.flags) return SECCOMP_FILTER_FLAG_SPEC_ALLOW;  // as runc
  std::uint32_t flags = 0;
  for (const auto& word : *seccomp.flags) {
    const auto flag = seccomp_flag(word);
    if (!flag) fail("linux.seccomp: the flag \"" + text::escaped(word) + "\" is unknown");
    flags |= *flag;
  }
  return flags;
}

bool notifies(const oci::Seccomp& seccomp) {
  return std::any_of(seccomp.syscalls.begin(), seccomp.syscalls.end(),
                     [](const auto& rule) { return rule.action == "SCMP_ACT_NOTIFY"; });
}

}  // namespace

void set_loading(SeccompProgram& program, const oci::Seccomp& seccomp) {
  program.flags = flags_of(seccomp);
  program.wants_listener = notifies(seccomp);
}

SeccompProgram compile(const oci::Seccomp& seccomp, std::vector<std::string>& warnings) {
  SeccompProgram program;
  program.instructions = assemble(decide(seccomp, this_machine(), warnings));
  set_loading(program, seccomp);
  return program;
}

}  // namespace agentsafe::security
