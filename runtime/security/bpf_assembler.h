// Writes classic BPF from its end to its beginning, so that every jump's target exists before the jump.
//
//   Assembler code;
//   auto allow = code.answer(SECCOMP_RET_ALLOW), deny = code.answer(SECCOMP_RET_ERRNO | EPERM);
//   auto test = code.branch(BPF_JEQ, 41, allow, deny);   // accumulator == 41 ?
//   code.load(offsetof(seccomp_data, nr), test);
//   std::string program = code.finish();
//
// Source: seccomp(2), linux/filter.h. Conditional jumps reach 255 instructions; farther ones get a jump of their own.
#pragma once
#include <linux/filter.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace agentsafe::security {

class Assembler {
 public:
  using Label = std::size_t;  // an instruction, counted from the program's end

  Label answer(std::uint32_t action);                                    // return it
  Label load(std::size_t offset, Label next);                            // accumulator = seccomp_data at offset
  Label keep_bits(std::uint32_t mask, Label next);                       // accumulator &= mask
  Label branch(std::uint16_t comparison, std::uint32_t value, Label yes, Label no);  // BPF_JEQ, BPF_JGT or BPF_JGE

  // The program as bytes; it begins with what was written last. Throws when it is longer than the kernel takes.
  [[nodiscard]] std::string finish() const;

 private:
  Label push(const sock_filter& instruction);
  Label near(Label target, std::size_t slack);
  void fall_through_to(Label next);

  std::vector<sock_filter> reversed_;
  std::map<std::uint32_t, Label> answers_;
};

}  // namespace agentsafe::security
