// config-linux.md#seccomp
#include <algorithm>

#include "oci/validation.h"

namespace agentsafe::oci {
namespace {

constexpr std::string_view section = "config-linux.md#seccomp";
constexpr std::string_view notify = "SCMP_ACT_NOTIFY";
constexpr std::string_view actions[] = {"SCMP_ACT_KILL",  "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD",
                                        "SCMP_ACT_TRAP",  "SCMP_ACT_ERRNO",        "SCMP_ACT_TRACE",
                                        "SCMP_ACT_ALLOW", "SCMP_ACT_LOG",          "SCMP_ACT_NOTIFY"};
constexpr std::string_view operators[] = {"SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE",       "SCMP_CMP_EQ",
                                          "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ"};
constexpr std::string_view architectures[] = {
    "SCMP_ARCH_X86",         "SCMP_ARCH_X86_64", "SCMP_ARCH_X32",       "SCMP_ARCH_ARM",     "SCMP_ARCH_AARCH64",
    "SCMP_ARCH_MIPS",        "SCMP_ARCH_MIPS64", "SCMP_ARCH_MIPS64N32", "SCMP_ARCH_MIPSEL",  "SCMP_ARCH_MIPSEL64",
    "SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_PPC",    "SCMP_ARCH_PPC64",     "SCMP_ARCH_PPC64LE", "SCMP_ARCH_S390",
    "SCMP_ARCH_S390X",       "SCMP_ARCH_PARISC", "SCMP_ARCH_PARISC64",  "SCMP_ARCH_RISCV64", "SCMP_ARCH_LOONGARCH64",
    "SCMP_ARCH_M68K",        "SCMP_ARCH_SH",     "SCMP_ARCH_SHEB"};
constexpr std::string_view flags[] = {"SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG",
                                      "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"};

// "If the action does not support errno, the runtime MUST print an error."
void validate_errno(std::optional<std::uint32_t> value, std::string_view action, const Where& where,
                    Findings& findings) {
  constexpr std::uint32_t errno_limit = 4095;   // MAX_ERRNO: the kernel would take a smaller one
  constexpr std::uint32_t trace_limit = 65535;  // SECCOMP_RET_DATA
  if (!value) return;
  if (action == "SCMP_ACT_ERRNO") {
    findings.require(*value <= errno_limit, where, "must be at most 4095", section);
  } else if (action == "SCMP_ACT_TRACE") {
    findings.require(*value <= trace_limit, where, "must be at most 65535", section);
  } else {
    findings.add(where, "goes only with SCMP_ACT_ERRNO and SCMP_ACT_TRACE", section);
  }
}

void validate_rule(const SeccompSyscall& rule, const Where& where, Findings& findings) {
  findings.require(!rule.names.empty(), where / "names", "must have at least one entry", section);
  findings.require_known(rule.action, actions, where / "action", section);
  validate_errno(rule.errnoRet, rule.action, where / "errnoRet", findings);
  // The runtime hands the notification descriptor over with write(2), under the filter.
  const bool writes = std::find(rule.names.begin(), rule.names.end(), "write") != rule.names.end();
  findings.require(!writes || rule.action != notify, where, "SCMP_ACT_NOTIFY cannot be used for the write syscall",
                   section);
  const Where args = where / "args";
  for (std::size_t i = 0; i < rule.args.size(); ++i) {
    const Where arg = args[i];
    findings.require(rule.args[i].index <= 5, arg / "index", "must be at most 5", section);
    findings.require_known(rule.args[i].op, operators, arg / "op", section);
  }
}

void validate_listener(const Seccomp& seccomp, Findings& findings) {
  findings.require(seccomp.defaultAction != notify, Where("linux.seccomp.defaultAction"),
                   "must not be SCMP_ACT_NOTIFY: the runtime itself would wait for the agent", section);
  const bool notifies = std::any_of(seccomp.syscalls.begin(), seccomp.syscalls.end(),
                                    [](const auto& rule) { return rule.action == notify; });
  findings.require(!notifies || !seccomp.listenerPath.empty(), Where("linux.seccomp.listenerPath"),
                   "is missing for SCMP_ACT_NOTIFY", section);
  findings.require(seccomp.listenerPath.empty() || seccomp.listenerPath.starts_with('/'),
                   Where("linux.seccomp.listenerPath"), "must be an absolute path", section);
  findings.require(seccomp.listenerMetadata.empty() || !seccomp.listenerPath.empty(),
                   Where("linux.seccomp.listenerMetadata"), "needs listenerPath", section);
}

}  // namespace

void validate_seccomp(const Seccomp& seccomp, Findings& findings) {
  const Where where("linux.seccomp");
  findings.require_known(seccomp.defaultAction, actions, where / "defaultAction", section);
  validate_errno(seccomp.defaultErrnoRet, seccomp.defaultAction, where / "defaultErrnoRet", findings);
  const Where archs = where / "architectures";
  for (std::size_t i = 0; i < seccomp.architectures.size(); ++i)
    findings.require_known(seccomp.architectures[i], architectures, archs[i], section);
  const Where words = where / "flags";
  if (seccomp.flags)
    for (std::size_t i = 0; i < seccomp.flags->size(); ++i)
      findings.require_known((*seccomp.flags)[i], flags, words[i], section);
  const Where rules = where / "syscalls";
  for (std::size_t i = 0; i < seccomp.syscalls.size(); ++i) validate_rule(seccomp.syscalls[i], rules[i], findings);
  validate_listener(seccomp, findings);
}

}  // namespace agentsafe::oci
