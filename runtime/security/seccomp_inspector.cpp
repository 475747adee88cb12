#include "runtime/security/seccomp_inspector.h"

#include "runtime/security/evaluate.h"
#include "runtime/security/seccomp_decisions.h"
#include "runtime/security/seccomp_program.h"

namespace agentsafe::security {
namespace {

oci::Seccomp without_rules(const oci::Seccomp& seccomp, const std::string& default_action) {
  oci::Seccomp frame;
  frame.defaultAction = default_action;
  frame.architectures = seccomp.architectures;
  return frame;
}

}  // namespace

Inspector::Inspector(const oci::Seccomp& seccomp, Machine machine)
    : whole_(assemble(decide(seccomp, machine, warnings_))) {
  std::vector<std::string> repeated;
  frame_ = assemble(decide(without_rules(seccomp, "SCMP_ACT_ALLOW"), machine, repeated));
  for (const auto& rule : seccomp.syscalls) {
    const bool permits = rule.action == "SCMP_ACT_ALLOW";
    oci::Seccomp alone = without_rules(seccomp, permits ? "SCMP_ACT_LOG" : "SCMP_ACT_ALLOW");
    alone.syscalls = {rule};
    alone_.push_back({assemble(decide(alone, machine, repeated)), permits ? SECCOMP_RET_LOG : SECCOMP_RET_ALLOW});
  }
}

CallAnswer Inspector::ask(const seccomp_data& data) const {
  const Verdict verdict = evaluate(whole_, data);
  CallAnswer answer{verdict.action, verdict.instructions_run, std::nullopt};
  if (evaluate(frame_, data).action != SECCOMP_RET_ALLOW) return answer;
  for (std::size_t i = 0; i < alone_.size() && !answer.rule; ++i) {
    const auto& [instructions, otherwise] = alone_[i];
    if (verdict.action != otherwise && evaluate(instructions, data).action == verdict.action) answer.rule = i;
  }
  return answer;
}

}  // namespace agentsafe::security
