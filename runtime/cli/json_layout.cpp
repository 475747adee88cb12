#include "runtime/cli/json_layout.h"

namespace agentsafe::cli {
namespace {

// The length of the string literal that `text` begins with, quotes included.
std::size_t string_length(std::string_view text) {
  std::size_t at = 1;
  while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
  return at + 1;
}

}  // namespace

std::string indented(std::string_view compact, std::string_view indent) {
  std::string out;
  std::size_t depth = 0;
  const auto new_line = [&] {
    out += '\n';
    for (std::size_t i = 0; i < depth; ++i) out += indent;
  };
  while (!compact.empty()) {
    const char c = compact[0];
    std::size_t length = 1;
    const bool opens = c == '{' || c == '[';
    if (opens && compact.size() > 1 && (compact[1] == '}' || compact[1] == ']')) {
      length = 2;
    } else if (c == '"') {
      length = string_length(compact);
    } else if (c == '}' || c == ']') {
      --depth;
      new_line();
    }
    out += compact.substr(0, length);
    if (opens && length == 1) ++depth;
    if ((opens && length == 1) || c == ',') new_line();
    if (c == ':') out += ' ';
    compact.remove_prefix(length > compact.size() ? compact.size() : length);
  }
  return out;
}

}  // namespace agentsafe::cli
