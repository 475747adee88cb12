#include "runtime/cli/ps_table.h"

#include <algorithm>

#include "runtime/base/error.h"
#include "runtime/base/text.h"

namespace agentsafe::cli {

std::string filter_ps(std::string_view table, const std::vector<std::int32_t>& pids) {
  const auto lines = text::lines(table);
  const auto titles = lines.empty() ? std::vector<std::string_view>{} : text::words(lines.front());
  const auto title = std::find(titles.begin(), titles.end(), "PID");
  if (title == titles.end()) fail("ps printed no PID column: its options must keep it");
  const auto column = static_cast<std::size_t>(title - titles.begin());

  std::string kept = std::string(lines.front()) + "\n";
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const auto fields = text::words(lines[i]);
    if (fields.empty()) continue;
    const auto pid = column < fields.size() ? text::parse<std::int32_t>(fields[column]) : std::nullopt;
    if (!pid) fail("ps printed a line without a process id: " + text::escaped(lines[i]));
    if (std::find(pids.begin(), pids.end(), *pid) != pids.end()) kept.append(lines[i]) += '\n';
  }
  return kept;
}

std::string pids_as_json(const std::vector<std::int32_t>& pids) {
  std::vector<std::string> numbers;
  for (const auto pid : pids) numbers.push_back(std::to_string(pid));
  return "[" + text::join(numbers, ",") + "]\n";
}

}  // namespace agentsafe::cli
