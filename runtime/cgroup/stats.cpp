#include "runtime/cgroup/stats.h"

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/cgroup/directory.h"
#include "runtime/sys/fd.h"

namespace agentsafe::cgroup {
namespace {

std::uint64_t number(std::string_view digits) { return text::parse<std::uint64_t>(digits).value_or(0); }

// "8:0" into an entry; false for other words ("Total").
bool parse_device(std::string_view word, BlkioEntry& entry) {
  const auto parts = text::split(word, ':');
  if (parts.size() != 2) return false;
  const auto major = text::parse<std::uint64_t>(parts[0]);
  const auto minor = text::parse<std::uint64_t>(parts[1]);
  if (!major || !minor) return false;
  entry.major = *major;
  entry.minor = *minor;
  return true;
}

// "0.12"
json::Decimal decimal(std::string_view digits) {
  const auto parts = text::split(digits, '.');
  const bool is_one = parts.size() == 2 && text::parse<std::uint32_t>(parts[0]) && text::parse<std::uint32_t>(parts[1]);
  return is_one ? json::Decimal{std::string(digits)} : json::Decimal{};
}

// "some avg10=0.12 avg60=0.00 avg300=0.00 total=12345"
PressureLine parse_pressure_line(const std::vector<std::string_view>& words) {
  PressureLine line;
  for (const auto word : words) {
    const auto equals = word.find('=');
    if (equals == std::string_view::npos) continue;
    const auto name = word.substr(0, equals);
    const auto value = word.substr(equals + 1);
    if (name == "avg10") line.avg10 = decimal(value);
    if (name == "avg60") line.avg60 = decimal(value);
    if (name == "avg300") line.avg300 = decimal(value);
    if (name == "total") line.total = number(value);
  }
  return line;
}

}  // namespace

std::map<std::string, std::uint64_t> parse_counters(std::string_view text) {
  std::map<std::string, std::uint64_t> counters;
  for (const auto line : text::lines(text)) {
    const auto words = text::words(line);
    if (words.size() != 2) continue;
    if (const auto value = text::parse<std::uint64_t>(words[1])) counters.emplace(words[0], *value);
  }
  return counters;
}

Pressure parse_pressure(std::string_view text) {
  Pressure pressure;
  for (const auto line : text::lines(text)) {
    const auto words = text::words(line);
    if (words.empty()) continue;
    if (words[0] == "some") pressure.some = parse_pressure_line(words);
    if (words[0] == "full") pressure.full = parse_pressure_line(words);
  }
  return pressure;
}

std::vector<std::uint32_t> parse_cpu_list(std::string_view text) {
  constexpr std::uint32_t most = 65'536;  // more than any kernel has
  std::vector<std::uint32_t> list;
  for (const auto part : text::split(text::trim(text), ',')) {
    const auto ends = text::split(part, '-');
    const auto first = text::parse<std::uint32_t>(ends.front());
    const auto last = text::parse<std::uint32_t>(ends.back());
    if (ends.size() > 2 || !first || !last || *last >= most) continue;
    for (auto cpu = *first; cpu <= *last; ++cpu) list.push_back(cpu);
  }
  return list;
}

std::vector<BlkioEntry> parse_v1_blkio(std::string_view text) {
  std::vector<BlkioEntry> entries;
  for (const auto line : text::lines(text)) {
    const auto words = text::words(line);
    BlkioEntry entry;
    if (words.size() < 2 || words.size() > 3 || !parse_device(words[0], entry)) continue;
    if (words.size() == 3) entry.op = words[1];
    entry.value = number(words.back());
    entries.push_back(std::move(entry));
  }
  return entries;
}

void parse_io_stat(std::string_view text, BlkioStats& blkio) {
  struct Column {
    std::string_view name;
    const char* op;
    std::vector<BlkioEntry>* into;
  };
  const Column columns[] = {{"rbytes", "Read", &blkio.service_bytes},    {"wbytes", "Write", &blkio.service_bytes},
                            {"dbytes", "Discard", &blkio.service_bytes}, {"rios", "Read", &blkio.serviced},
                            {"wios", "Write", &blkio.serviced},          {"dios", "Discard", &blkio.serviced}};
  for (const auto line : text::lines(text)) {
    const auto words = text::words(line);
    BlkioEntry entry;
    if (words.empty() || !parse_device(words[0], entry)) continue;
    for (const auto word : words) {
      const auto equals = word.find('=');
      for (const auto& column : columns) {
        if (equals == std::string_view::npos || word.substr(0, equals) != column.name) continue;
        entry.op = column.op;
        entry.value = number(word.substr(equals + 1));
        column.into->push_back(entry);
      }
    }
  }
}

void parse_usage_all(std::string_view text, CpuUsage& usage) {
  for (const auto line : text::lines(text)) {  // "cpu user system", then "0 123 456"
    const auto words = text::words(line);
    if (words.size() != 3 || !text::parse<std::uint32_t>(words[0])) continue;
    usage.percpu_user.push_back(number(words[1]));
    usage.percpu_kernel.push_back(number(words[2]));
  }
}

std::uint64_t read_number(Directory& directory, const std::string& file) {
  const auto content = directory.try_read(file);
  if (!content) return 0;
  const auto word = text::trim(*content);
  return word == "max" ? UINT64_MAX : number(word);
}

std::vector<std::string> huge_page_sizes(Directory& directory, std::string_view suffix) {
  constexpr std::string_view prefix = "hugetlb.";
  std::vector<std::string> sizes;
  if (!directory.exists()) return sizes;
  for (const auto& name : sys::list_directory(sys::openat(directory.fd(), ".", O_RDONLY | O_DIRECTORY))) {
    if (!name.starts_with(prefix) || !name.ends_with(suffix)) continue;
    const auto size = name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
    if (size.find('.') == std::string::npos) sizes.push_back(size);
  }
  return sizes;
}

}  // namespace agentsafe::cgroup
