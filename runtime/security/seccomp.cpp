#include "runtime/security/seccomp.h"

#include <linux/seccomp.h>
#include <seccomp.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
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

scmp_arg_cmp comparison(const oci::SeccompArg& arg) {
  const auto op = seccomp_operator(arg.op);
  if (!op) fail("linux.seccomp: the operator \"" + text::escaped(arg.op) + "\" is unknown");
  // libseccomp takes the mask first, the specification the value to compare after masking second
  if (*op == SCMP_CMP_MASKED_EQ) return {arg.index, *op, arg.value, arg.valueTwo};
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
  for (const auto& arg : args) comparisons.push_back(comparison(arg));
  check(::seccomp_rule_add_array(context, action, number, static_cast<unsigned>(comparisons.size()), comparisons.data()),
        "add a rule for " + name);
}

void add_syscall(scmp_filter_ctx context, std::uint32_t default_action, const oci::SeccompSyscall& rule,
                 std::vector<std::string>& warnings) {
  const std::uint32_t action = action_of(rule.action, rule.errnoRet);
  if (action == default_action) return;  // says nothing new, and libseccomp refuses it
  for (const auto& name : rule.names) {
    const int number = ::seccomp_syscall_resolve_name(name.c_str());
    if (number == __NR_SCMP_ERROR) {
      warnings.push_back("linux.seccomp: the syscall " + text::escaped(name) + " is unknown and ignored");
      continue;
    }
    add_rule(context, action, number, name, rule.args);
  }
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

SeccompProgram compile(const oci::Seccomp& seccomp, std::vector<std::string>& warnings) {
  const std::uint32_t default_action = action_of(seccomp.defaultAction, seccomp.defaultErrnoRet);
  const Context context(::seccomp_init(default_action));
  if (!context) fail("compile linux.seccomp: libseccomp refuses the default action " + seccomp.defaultAction);
  check(::seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_NNP, 0), "turn off its own no_new_privs");
  add_architectures(context.get(), seccomp);
  for (const auto& rule : seccomp.syscalls) add_syscall(context.get(), default_action, rule, warnings);
  SeccompProgram program;
  program.instructions = exported(context.get());
  program.flags = flags_of(seccomp);
  program.wants_listener = notifies(seccomp);
  return program;
}

SeccompProgram compile_cached(const oci::Seccomp& seccomp, const std::string&, std::vector<std::string>& warnings) {
  return compile(seccomp, warnings);
}

}  // namespace agentsafe::security
