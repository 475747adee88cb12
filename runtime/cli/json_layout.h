// JSON laid out over lines as Go's json.MarshalIndent does it, which runc's outputs are made with: "[]" and "{}" stay
// on their line, no newline at the end. Pure.
//
//   indented(R"({"a":[1,2],"b":{}})", "  ")
#pragma once
#include <string>
#include <string_view>

namespace agentsafe::cli {

// compact: valid JSON without white space between its tokens.
[[nodiscard]] std::string indented(std::string_view compact, std::string_view indent);

}  // namespace agentsafe::cli
