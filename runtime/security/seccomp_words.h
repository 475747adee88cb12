// The words of linux.seccomp and what they are called in the kernel and in libseccomp: one table each.
#pragma once
#include <seccomp.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace agentsafe::security {

[[nodiscard]] std::optional<std::uint32_t> seccomp_action(std::string_view word);   // SCMP_ACT_*, errno 0
// The word of a filter's answer, without its data: "SCMP_ACT_ERRNO" of SECCOMP_RET_ERRNO | EPERM.
[[nodiscard]] std::string_view word_of_action(std::uint32_t action);
[[nodiscard]] std::optional<std::uint32_t> seccomp_architecture(std::string_view word);
[[nodiscard]] std::optional<scmp_compare> seccomp_operator(std::string_view word);
[[nodiscard]] std::optional<std::uint32_t> seccomp_flag(std::string_view word);     // SECCOMP_FILTER_FLAG_*

// For `features`: all words of each table.
[[nodiscard]] std::vector<std::string_view> seccomp_action_words();
[[nodiscard]] std::vector<std::string_view> seccomp_architecture_words();
[[nodiscard]] std::vector<std::string_view> seccomp_operator_words();
[[nodiscard]] std::vector<std::string_view> seccomp_flag_words();

}  // namespace agentsafe::security
