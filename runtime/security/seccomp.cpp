#include "runtime/security/seccomp.h"

#include <linux/seccomp.h>
#include <seccomp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/security/seccomp_prologue.h"
#include "runtime/security/seccomp_tables.h"
#include "runtime/security/seccomp_words.h"
#include "runtime/sys/fd.h"

namespace agentsafe::security {
namespace {

struct Release {
  void operator()(void* context) const { ::seccomp_release(context); }
};
using Context = std::unique_ptr<void, Release>;

void check(int result, const std::string& what) {
  if (result < 0) fail_errno("compile linux.seccomp: " + what, -result);
}

std::uint32_t action_of(const std::string& word, std::optional<std::uint32_t> errno_ret) {
  const auto action = seccomp_action(word);
  if (!action) fail("linux.seccomp: the action \"" + text::escaped(word) + "\" is unknown");
  if (*action == SCMP_ACT_ERRNO(0)) return SCMP_ACT_ERRNO(errno_ret.value_or(EPERM));
  if (*action == SCMP_ACT_TRACE(0)) return SCMP_ACT_TRACE(errno_ret.value_or(EPERM));
  return *action;
}

void add_architectures(scmp_filter_ctx context, const oci::Seccomp& seccomp) {
  for (const auto& word : seccomp.architectures) {
    const auto arch = seccomp_architecture(word);
    if (!arch) fail("linux.seccomp: the architecture \"" + text::escaped(word) + "\" is unknown");
    const int result = ::seccomp_arch_add(context, *arch);
    if (result != -EEXIST) check(result, "add architecture " + word);
  }
}

constexpr std::uint64_t lower_half = 0xffffffff;

bool is_narrow(const std::string& syscall, const oci::SeccompArg& arg) {
  return (narrow_arguments(syscall) >> arg.index & 1) != 0;
}

scmp_arg_cmp comparison(const std::string& syscall, const oci::SeccompArg& arg) {
  const auto op = seccomp_operator(arg.op);
  if (!op) fail("linux.seccomp: the operator \"" + text::escaped(arg.op) + "\" is unknown");
  // of SCMP_CMP_MASKED_EQ the first value is the mask
  if (is_narrow(syscall, arg) && *op == SCMP_CMP_EQ)
    return {arg.index, SCMP_CMP_MASKED_EQ, lower_half, arg.value & lower_half};
  if (is_narrow(syscall, arg) && *op == SCMP_CMP_MASKED_EQ)
    return {arg.index, *op, arg.value & lower_half, arg.valueTwo & lower_half};
  return {arg.index, *op, arg.value, arg.valueTwo};
}

// Conditions on different arguments are and-ed; libseccomp refuses two on one argument, which then mean "or".
bool has_repeated_argument(const std::vector<oci::SeccompArg>& args) {
  for (std::size_t i = 0; i < args.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (args[i].index == args[j].index) return true;
  return false;
}

void add_rule(scmp_filter_ctx context, std::uint32_t action, int number, const std::string& name,
              const std::vector<oci::SeccompArg>& args) {
  if (has_repeated_argument(args)) {
    for (const auto& arg : args) add_rule(context, action, number, name, {arg});
    return;
  }
  std::vector<scmp_arg_cmp> comparisons;
  for (const auto& arg : args) comparisons.push_back(comparison(name, arg));
  check(::seccomp_rule_add_array(context, action, number, static_cast<unsigned>(comparisons.size()), comparisons.data()),
        "add a rule for " + name);
}

void add_syscall(scmp_filter_ctx context, std::uint32_t default_action, const oci::SeccompSyscall& rule,
                 std::vector<std::string>& unknown) {
  const std::uint32_t action = action_of(rule.action, rule.errnoRet);
  for (const auto& name : rule.names) {
    const int number = ::seccomp_syscall_resolve_name(name.c_str());
    if (number == __NR_SCMP_ERROR) {
      if (!new_syscall(name)) unknown.push_back(text::escaped(name));
      if (new_syscall(name) && !rule.args.empty() && action != default_action)
        fail("linux.seccomp: libseccomp does not know " + name + " yet, so its arguments cannot be compared");
      continue;
    }
    if (action != default_action) add_rule(context, action, number, name, rule.args);  // else it says nothing new
  }
}

// libseccomp's tokens are the kernel's AUDIT_ARCH_* values; x32 shares that of x86_64.
std::vector<std::uint32_t> architectures_of(const oci::Seccomp& seccomp) {
  std::vector<std::uint32_t> tokens{::seccomp_arch_native()};
  for (const auto& word : seccomp.architectures) {
    const auto token = seccomp_architecture(word);
    if (token && *token != SCMP_ARCH_X32 && *token != tokens.front()) tokens.push_back(*token);
  }
  return tokens;
}

bool permits(const std::string& action) { return action == "SCMP_ACT_ALLOW" || action == "SCMP_ACT_LOG" || action == "SCMP_ACT_TRACE"; }

ArchitecturePrologue prologue_for(std::uint32_t token, const oci::Seccomp& seccomp, std::uint32_t default_action) {
  ArchitecturePrologue prologue{token, {}, {}, {}};
  std::int64_t newest = -1;
  for (const auto& rule : seccomp.syscalls) {
    const std::uint32_t action = action_of(rule.action, rule.errnoRet);
    for (const auto& name : rule.names) {
      int number = ::seccomp_syscall_resolve_name_rewrite(token, name.c_str());
      if (number == __NR_SCMP_ERROR) {
        const auto added = new_syscall(name);
        if (!added) continue;
        number = static_cast<int>(*added);
        if (action != default_action) prologue.new_rules.push_back({*added, action});
      }
      newest = std::max<std::int64_t>(newest, number);  // pseudo numbers of other architectures are negative
      if (number < 0 || !permits(rule.action)) continue;
      for (const auto& arg : rule.args)
        if (is_narrow(name, arg) && arg.op != "SCMP_CMP_EQ" && arg.op != "SCMP_CMP_MASKED_EQ")
          prologue.upper_halves.push_back({static_cast<std::uint32_t>(number), arg.index});
    }
  }
  const bool unknown_is_error = !permits(seccomp.defaultAction) && default_action != SCMP_ACT_ERRNO(ENOSYS);
  if (unknown_is_error && newest >= 0) prologue.newest = static_cast<std::uint32_t>(newest);
  return prologue;
}

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

std::string exported(scmp_filter_ctx context) {
  const UniqueFd file = sys::memfd("seccomp");
  check(::seccomp_export_bpf(context, file.get()), "export the program");
  ::lseek(file.get(), 0, SEEK_SET);
  return sys::read_all(file);
}

bool notifies(const oci::Seccomp& seccomp) {
  for (const auto& rule : seccomp.syscalls)
    if (rule.action == "SCMP_ACT_NOTIFY") return true;
  return false;
}

}  // namespace

void set_loading(SeccompProgram& program, const oci::Seccomp& seccomp) {
  program.flags = flags_of(seccomp);
  program.wants_listener = notifies(seccomp);
}

SeccompProgram compile(const oci::Seccomp& seccomp, std::vector<std::string>& warnings) {
  const std::uint32_t default_action = action_of(seccomp.defaultAction, seccomp.defaultErrnoRet);
  const Context context(::seccomp_init(default_action));
  if (!context) fail("compile linux.seccomp: libseccomp refuses the default action " + seccomp.defaultAction);
  check(::seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_NNP, 0), "turn off its own no_new_privs");
  add_architectures(context.get(), seccomp);
  std::vector<std::string> unknown;
  for (const auto& rule : seccomp.syscalls) add_syscall(context.get(), default_action, rule, unknown);
  if (!unknown.empty()) warnings.push_back("linux.seccomp: unknown system calls are ignored: " + text::join(unknown, ", "));
  std::vector<ArchitecturePrologue> prologues;
  for (const auto token : architectures_of(seccomp)) prologues.push_back(prologue_for(token, seccomp, default_action));
  SeccompProgram program;
  program.instructions = assemble_prologue(prologues, default_action) + exported(context.get());
  set_loading(program, seccomp);
  return program;
}

}  // namespace agentsafe::security
