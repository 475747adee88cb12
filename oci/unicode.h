// What makes text well-formed for JSON beyond its grammar. Source: RFC 3629 (UTF-8), RFC 8259 section 7 (\u escapes).
//
//   utf8_prefix("caf\xc3\xa9")   // 5: the whole text; less than its size when something is wrong there
#pragma once
#include <cstddef>
#include <optional>
#include <string_view>

namespace agentsafe::json {

// The number of bytes before the first one that does not belong to a character: overlong forms, surrogates and numbers
// above U+10FFFF are none.
[[nodiscard]] std::size_t utf8_prefix(std::string_view text);

// Where the first \uD800…\uDFFF escape stands that is not half of a pair. Expects text whose backslashes stand in
// strings.
[[nodiscard]] std::optional<std::size_t> lone_surrogate(std::string_view text);

}  // namespace agentsafe::json
