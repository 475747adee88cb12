#include "runtime/cli/state_text.h"

#include <algorithm>
#include <array>

#include "runtime/base/text.h"
#include "runtime/cli/json_layout.h"

namespace agentsafe::cli {
namespace {

constexpr std::size_t column_count = 6;
using Cells = std::array<std::string, column_count>;

// Characters, not bytes: UTF-8's continuation bytes take no column.
std::size_t width_of(const std::string& cell) {
  return static_cast<std::size_t>(std::count_if(cell.begin(), cell.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

}  // namespace

std::string state_json(const PrintedState& state) { return indented(json::write(state), "  "); }

std::string list_json(const std::vector<PrintedState>& states) {
  return states.empty() ? "null\n" : json::write(states) + "\n";
}

std::string list_table(const std::vector<PrintedState>& states) {
  constexpr std::size_t least_width = 12, padding = 3;
  std::vector<Cells> lines = {{"ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"}};
  for (const PrintedState& one : states)
    lines.push_back({one.id, std::to_string(one.pid), one.status, text::escaped(one.bundle), one.created, one.owner});

  std::array<std::size_t, column_count> widths{};
  widths.fill(least_width);
  for (const Cells& cells : lines)
    for (std::size_t i = 0; i < column_count; ++i) widths[i] = std::max(widths[i], width_of(cells[i]) + padding);

  std::string table;
  for (const Cells& cells : lines) {
    for (std::size_t i = 0; i + 1 < column_count; ++i)
      table += cells[i] + std::string(widths[i] - width_of(cells[i]), ' ');
    table += cells.back() + "\n";
  }
  return table;
}

}  // namespace agentsafe::cli
