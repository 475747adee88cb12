// What `agentsafe seccomp` prints. Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/security/profile_rules.h"

namespace agentsafe::cli {

// One call and the answer to it.
struct TestedCall {
  std::string profile;
  std::string arch;     // as in SCMP_ARCH_X86_64
  std::string syscall;  // "" when the number has no name
  std::uint32_t number = 0;
  std::vector<std::uint64_t> args;  // as given; the others are 0
  std::string action;               // as in SCMP_ACT_ERRNO
  std::uint32_t data = 0;           // the errno, or the number that a tracer gets
  std::optional<std::size_t> rule;  // of the profile's syscalls, from 0
  std::string why;
};

// "socket(40): refused with EPERM\n  rule 24: why\n"
[[nodiscard]] std::string call_text(const TestedCall& call);
// One line: {"profile":"agent-default",…,"action":"SCMP_ACT_ERRNO","errno":1,"rule":24,"why":"…"}
[[nodiscard]] std::string call_json(const TestedCall& call);

// "refused with EPERM", "allowed", …
[[nodiscard]] std::string answer_in_words(std::string_view action, std::uint32_t data);

// The rules for people, numbers in hexadecimal.
[[nodiscard]] std::string rules_text(const security::ProfileRules& rules);

struct ListedProfile {
  std::string name;
  std::string summary;
  std::size_t instructions = 0;
};
[[nodiscard]] std::string profiles_text(const std::vector<ListedProfile>& profiles);
[[nodiscard]] std::string profiles_json(const std::vector<ListedProfile>& profiles);

}  // namespace agentsafe::cli
