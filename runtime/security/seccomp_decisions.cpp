#include "runtime/security/seccomp_decisions.h"

#include <linux/seccomp.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/security/argument_widths.h"
#include "runtime/security/seccomp_words.h"

namespace agentsafe::security {
namespace {

constexpr std::uint32_t enosys = SECCOMP_RET_ERRNO | ENOSYS;
constexpr std::uint32_t x32_first = 0x40000000;
constexpr std::uint32_t arm_private_first = 0x0f0000;  // beyond all others: they say nothing of a kernel's age

std::uint32_t action_of(const std::string& word, std::optional<std::uint32_t> errno_ret) {
  const auto action = seccomp_action(word);
  if (!action) fail("linux.seccomp: the action \"" + text::escaped(word) + "\" is unknown");
  const bool takes_data = *action == SECCOMP_RET_ERRNO || *action == SECCOMP_RET_TRACE;
  return takes_data ? *action | (errno_ret.value_or(EPERM) & SECCOMP_RET_DATA) : *action;
}

// The kernel's own order of severity: KILL_PROCESS, KILL_THREAD, TRAP, ERRNO, NOTIFY, TRACE, LOG, ALLOW.
bool is_stricter(std::uint32_t a, std::uint32_t b) {
  const auto rank = [](std::uint32_t action) { return static_cast<std::int32_t>(action & SECCOMP_RET_ACTION_FULL); };
  return rank(a) < rank(b);
}

// Empty: whatever the argument is, the condition is met; or `never` is set.
std::optional<Comparison> simplified(const oci::SeccompArg& arg, unsigned bits, bool& never) {
  const auto op = seccomp_operator(arg.op);
  if (!op) fail("linux.seccomp: the operator \"" + text::escaped(arg.op) + "\" is unknown");
  const std::uint64_t all = bits == 64 ? ~0ULL : (1ULL << bits) - 1;
  const bool masked = *op == SCMP_CMP_MASKED_EQ;
  const std::uint64_t mask = masked ? arg.value : ~0ULL;
  std::uint64_t value = (masked ? arg.valueTwo : arg.value) & mask;
  // "-1" is often written with 64 bits
  const bool sign_extended = (value & ~all) == (mask & ~all) && (value >> (bits - 1) & 1) != 0;
  if (sign_extended) value &= all;
  if ((value & ~all) == 0) {
    if (masked && (mask & all) == 0) return std::nullopt;
    return Comparison{arg.index, bits, *op, masked ? mask & all : 0, value};
  }
  never = *op == SCMP_CMP_EQ || masked || *op == SCMP_CMP_GT || *op == SCMP_CMP_GE;  // no argument is so large
  return std::nullopt;
}

// The rule's conditions as alternatives, each a list of conditions that must all hold.
std::vector<std::vector<oci::SeccompArg>> alternatives(const std::vector<oci::SeccompArg>& args) {
  std::set<std::uint32_t> indices;
  for (const auto& arg : args) indices.insert(arg.index);
  if (indices.size() == args.size()) return {args};
  std::vector<std::vector<oci::SeccompArg>> each;
  for (const auto& arg : args) each.push_back({arg});
  return each;
}

struct Collected {  // for one syscall number
  std::optional<std::uint32_t> unconditional;
  std::vector<Case> cases;
};

class Table {  // of one architecture
 public:
  Table(const Architecture& architecture, std::uint32_t default_action, const oci::Seccomp& seccomp)
      : architecture_(architecture), default_action_(default_action) {
    for (const auto& rule : seccomp.syscalls)
      for (const auto& name : rule.names) named_.insert(name);
    for (const auto& rule : seccomp.syscalls)
      for (const auto& name : rule.names) add(name, rule, action_of(rule.action, rule.errnoRet));
  }

  // Sorted, from the architecture's first number.
  [[nodiscard]] std::vector<Interval> intervals() const {
    std::vector<Interval> all{{architecture_.first, {{}, default_action_}}};
    const bool stub = newest_ && is_stricter(default_action_, SECCOMP_RET_USER_NOTIF) && default_action_ != enosys;
    const auto gap = [&](std::uint32_t number) { return stub && number > *newest_ ? enosys : default_action_; };
    for (const auto& [number, collected] : numbers_) {
      place(all, number, decision_of(collected));
      place(all, number + 1, {{}, gap(number + 1)});
    }
    return all;
  }

 private:
  static void place(std::vector<Interval>& all, std::uint32_t first, Decision decision) {
    if (all.back().first == first) all.pop_back();
    if (all.empty() || !(all.back().decision == decision)) all.push_back({first, std::move(decision)});
  }

  void add(const std::string& name, const oci::SeccompSyscall& rule, std::uint32_t action) {
    for (const auto& target : targets(name, architecture_)) {
      if (target.call) {
        add_multiplexed(target, rule, action);
        continue;
      }
      auto& collected = numbers_[target.number];
      if (target.number - architecture_.first < arm_private_first)
        newest_ = std::max(newest_.value_or(0), target.number);
      if (rule.args.empty()) {
        if (action != default_action_ && !collected.unconditional) collected.unconditional = action;
        continue;
      }
      for (const auto& all : alternatives(rule.args)) add_case(collected, name, all, action);
    }
  }

  void add_case(Collected& collected, const std::string& name, const std::vector<oci::SeccompArg>& args,
                std::uint32_t action) {
    Case one{{}, action};
    bool never = false;
    for (const auto& arg : args) {
      const unsigned register_bits = architecture_.wide ? 64 : 32;
      const auto test = simplified(arg, std::min(register_bits, argument_width(name, arg.index)), never);
      if (test) one.all.push_back(*test);
    }
    if (!never) collected.cases.push_back(std::move(one));
  }

  // The arguments are behind a pointer there. What the profile refuses by them is refused altogether, unless it has a
  // word of its own for the multiplexer; what it permits by them stays with the default.
  void add_multiplexed(const Target& target, const oci::SeccompSyscall& rule, std::uint32_t action) {
    constexpr std::uint32_t socketcall_number = 102;
    if (named_.count(target.number == socketcall_number ? "socketcall" : "ipc") != 0) return;
    const bool permits = action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG;
    if (action == default_action_ || (permits && !rule.args.empty())) return;
    numbers_[target.number].cases.push_back({{{0, 32, SCMP_CMP_MASKED_EQ, target.call_mask, *target.call}}, action});
  }

  [[nodiscard]] Decision decision_of(const Collected& collected) const {
    Decision decision{collected.cases, collected.unconditional.value_or(default_action_)};
    auto& cases = decision.cases;
    if (collected.unconditional)
      cases.erase(std::remove_if(cases.begin(), cases.end(),
                                 [&](const Case& one) { return !is_stricter(one.action, decision.otherwise); }),
                  cases.end());
    std::stable_sort(cases.begin(), cases.end(),
                     [](const Case& a, const Case& b) { return is_stricter(a.action, b.action); });
    while (!cases.empty() && cases.back().action == decision.otherwise) cases.pop_back();
    return decision;
  }

  Architecture architecture_;
  std::uint32_t default_action_;
  std::set<std::string> named_;
  std::map<std::uint32_t, Collected> numbers_;
  std::optional<std::uint32_t> newest_;
};

void check_architectures(const oci::Seccomp& seccomp) {
  constexpr std::string_view newer_than_libseccomp[] = {"SCMP_ARCH_LOONGARCH64", "SCMP_ARCH_M68K", "SCMP_ARCH_SH",
                                                        "SCMP_ARCH_SHEB"};
  for (const auto& word : seccomp.architectures)
    if (!seccomp_architecture(word) && std::find(std::begin(newer_than_libseccomp), std::end(newer_than_libseccomp),
                                                 word) == std::end(newer_than_libseccomp))
      fail("linux.seccomp: the architecture \"" + text::escaped(word) + "\" is unknown");
}

void warn_of_unknown(const oci::Seccomp& seccomp, std::vector<std::string>& warnings) {
  std::vector<std::string> unknown;
  for (const auto& rule : seccomp.syscalls)
    for (const auto& name : rule.names)
      if (!is_known_syscall(name)) unknown.push_back(text::escaped(name));
  if (!unknown.empty())
    warnings.push_back("linux.seccomp: unknown system calls are ignored: " + text::join(unknown, ", "));
}

}  // namespace

std::vector<Section> decide(const oci::Seccomp& seccomp, Machine machine, std::vector<std::string>& warnings) {
  const std::uint32_t default_action = action_of(seccomp.defaultAction, seccomp.defaultErrnoRet);
  check_architectures(seccomp);
  warn_of_unknown(seccomp, warnings);
  const auto architectures = runnable_architectures(machine);
  std::vector<Section> sections;
  for (const auto& architecture : architectures) {
    const bool listed = architecture == architectures.front() ||
                        std::find(seccomp.architectures.begin(), seccomp.architectures.end(), architecture.word) !=
                            seccomp.architectures.end();
    if (!listed) continue;
    auto intervals = Table(architecture, default_action, seccomp).intervals();
    if (architecture.first == 0) {
      sections.push_back({architecture.audit, std::move(intervals)});
      if (architecture.token == SCMP_ARCH_X86_64) sections.back().intervals.push_back({x32_first, {{}, enosys}});
    } else {  // x32: after the numbers of x86_64, in the place of their ENOSYS
      sections.front().intervals.pop_back();
      for (auto& interval : intervals) sections.front().intervals.push_back(std::move(interval));
    }
  }
  return sections;
}

}  // namespace agentsafe::security
