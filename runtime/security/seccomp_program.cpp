#include "runtime/security/seccomp_program.h"

#include <linux/seccomp.h>

#include <bit>
#include <cstddef>

#include "runtime/security/bpf_assembler.h"

namespace agentsafe::security {
namespace {

using Label = Assembler::Label;

constexpr std::size_t low_half = std::endian::native == std::endian::little ? 0 : 4;

std::size_t offset_of(unsigned index, bool low) {
  return offsetof(seccomp_data, args) + 8 * index + (low ? low_half : 4 - low_half);
}
std::uint32_t low(std::uint64_t value) { return static_cast<std::uint32_t>(value); }
std::uint32_t high(std::uint64_t value) { return static_cast<std::uint32_t>(value >> 32); }

Label equal_half(Assembler& code, std::size_t offset, std::uint32_t mask, std::uint32_t value, Label yes, Label no) {
  Label next = code.branch(BPF_JEQ, value, yes, no);
  if (mask != ~0U) next = code.keep_bits(mask, next);
  return code.load(offset, next);
}

Label equal(Assembler& code, unsigned index, std::uint64_t mask, std::uint64_t value, Label yes, Label no) {
  if (low(mask) != 0) yes = equal_half(code, offset_of(index, true), low(mask), low(value), yes, no);
  if (high(mask) != 0) yes = equal_half(code, offset_of(index, false), high(mask), high(value), yes, no);
  return yes;
}

// comparison: BPF_JGT or BPF_JGE, on the lower half; the upper half decides alone unless it is equal.
Label greater(Assembler& code, const Comparison& test, std::uint16_t comparison, Label yes, Label no) {
  Label half = code.branch(comparison, low(test.value), yes, no);
  if (test.bits == 16) half = code.keep_bits(0xffff, half);
  half = code.load(offset_of(test.index, true), half);
  if (test.bits != 64) return half;
  const Label upper = code.branch(BPF_JEQ, high(test.value), half, no);
  return code.load(offset_of(test.index, false), code.branch(BPF_JGT, high(test.value), yes, upper));
}

Label compare(Assembler& code, const Comparison& test, Label yes, Label no) {
  const std::uint64_t all_bits = test.bits == 64 ? ~0ULL : (1ULL << test.bits) - 1;
  switch (test.op) {
    case SCMP_CMP_EQ:
      return equal(code, test.index, all_bits, test.value, yes, no);
    case SCMP_CMP_NE:
      return equal(code, test.index, all_bits, test.value, no, yes);
    case SCMP_CMP_MASKED_EQ:
      return equal(code, test.index, test.mask, test.value, yes, no);
    case SCMP_CMP_GT:
      return greater(code, test, BPF_JGT, yes, no);
    case SCMP_CMP_LE:
      return greater(code, test, BPF_JGT, no, yes);
    case SCMP_CMP_GE:
      return greater(code, test, BPF_JGE, yes, no);
    case SCMP_CMP_LT:
      return greater(code, test, BPF_JGE, no, yes);
    case _SCMP_CMP_MIN:
    case _SCMP_CMP_MAX:
      break;
  }
  return no;  // decide() makes none
}

Label decision_code(Assembler& code, const Decision& decision) {
  Label next = code.answer(decision.otherwise);
  for (auto one = decision.cases.rbegin(); one != decision.cases.rend(); ++one) {
    Label met = code.answer(one->action);
    for (auto test = one->all.rbegin(); test != one->all.rend(); ++test) met = compare(code, *test, met, next);
    next = met;
  }
  return next;
}

// The number is in the accumulator and one of [first, last).
Label search(Assembler& code, const std::vector<Interval>& intervals, std::size_t first, std::size_t last) {
  if (last - first == 1) return decision_code(code, intervals[first].decision);
  const std::size_t middle = first + (last - first) / 2;
  const Label right = search(code, intervals, middle, last);
  const Label left = search(code, intervals, first, middle);
  return code.branch(BPF_JGE, intervals[middle].first, right, left);
}

}  // namespace

std::string assemble(const std::vector<Section>& sections) {
  Assembler code;
  Label next = code.answer(SECCOMP_RET_KILL_PROCESS);
  for (auto section = sections.rbegin(); section != sections.rend(); ++section) {
    const Label numbers = search(code, section->intervals, 0, section->intervals.size());
    const Label load_number = code.load(offsetof(seccomp_data, nr), numbers);
    next = code.branch(BPF_JEQ, section->audit, load_number, next);
  }
  code.load(offsetof(seccomp_data, arch), next);
  return code.finish();
}

}  // namespace agentsafe::security
