#include "runtime/security/evaluate.h"

#include <linux/filter.h>

#include <cstring>
#include <vector>

#include "runtime/base/error.h"

namespace agentsafe::security {
namespace {

struct Machine {
  std::uint32_t a = 0;  // accumulator
  std::uint32_t x = 0;  // index
  std::uint32_t memory[BPF_MEMWORDS] = {};
};

std::uint32_t load_word(const seccomp_data& data, std::uint32_t offset) {
  if (offset % 4 != 0 || offset + 4 > sizeof data) fail("evaluate a filter: a load outside of seccomp_data");
  std::uint32_t word = 0;
  std::memcpy(&word, reinterpret_cast<const char*>(&data) + offset, sizeof word);
  return word;
}

std::uint32_t compute(const sock_filter& code, std::uint32_t a, std::uint32_t operand) {
  switch (BPF_OP(code.code)) {
    case BPF_ADD: return a + operand;
    case BPF_SUB: return a - operand;
    case BPF_MUL: return a * operand;
    case BPF_AND: return a & operand;
    case BPF_OR: return a | operand;
    case BPF_XOR: return a ^ operand;
    case BPF_LSH: return operand < 32 ? a << operand : 0;
    case BPF_RSH: return operand < 32 ? a >> operand : 0;
    case BPF_NEG: return ~a + 1;
  }
  fail("evaluate a filter: an unknown arithmetic instruction");
}

bool holds(const sock_filter& code, std::uint32_t a, std::uint32_t operand) {
  switch (BPF_OP(code.code)) {
    case BPF_JEQ: return a == operand;
    case BPF_JGT: return a > operand;
    case BPF_JGE: return a >= operand;
    case BPF_JSET: return (a & operand) != 0;
  }
  fail("evaluate a filter: an unknown jump");
}

}  // namespace

Verdict evaluate(std::string_view instructions, const seccomp_data& data) {
  std::vector<sock_filter> program(instructions.size() / sizeof(sock_filter));
  std::memcpy(program.data(), instructions.data(), program.size() * sizeof(sock_filter));
  Machine machine;
  unsigned run = 0;
  for (std::size_t at = 0; at < program.size(); ++at) {
    const auto& code = program[at];
    ++run;
    const std::uint32_t operand = BPF_SRC(code.code) == BPF_X ? machine.x : code.k;
    switch (BPF_CLASS(code.code)) {
      case BPF_LD:
        machine.a = BPF_MODE(code.code) == BPF_ABS   ? load_word(data, code.k)
                    : BPF_MODE(code.code) == BPF_MEM ? machine.memory[code.k % BPF_MEMWORDS]
                                                     : code.k;
        break;
      case BPF_LDX: machine.x = BPF_MODE(code.code) == BPF_MEM ? machine.memory[code.k % BPF_MEMWORDS] : code.k; break;
      case BPF_ST: machine.memory[code.k % BPF_MEMWORDS] = machine.a; break;
      case BPF_STX: machine.memory[code.k % BPF_MEMWORDS] = machine.x; break;
      case BPF_ALU: machine.a = compute(code, machine.a, operand); break;
      case BPF_JMP:
        at += BPF_OP(code.code) == BPF_JA ? code.k : holds(code, machine.a, operand) ? code.jt : code.jf;
        break;
      case BPF_RET: return {BPF_RVAL(code.code) == BPF_A ? machine.a : code.k, run};
      case BPF_MISC: (BPF_MISCOP(code.code) == BPF_TAX ? machine.x = machine.a : machine.a = machine.x); break;
    }
  }
  fail("evaluate a filter: it ends without an answer");
}

}  // namespace agentsafe::security
