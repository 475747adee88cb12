// A resource limit, once decided, is a list of writes to files of a cgroup (knobs.h makes them from the spec).
// Here they are carried out, and taken back.
//
//   apply_writes(directory, {{"pids", "pids.max", "100"}});
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace agentsafe::cgroup {

class Directory;

struct Write {
  std::string controller;  // for messages, and on version 1 to find the hierarchy
  std::string file;
  std::string value;
  // For files with a line per device: what the line starts with ("8:0"), and the value that takes it away again. A key
  // without reset: the file shows "key value" and takes "value" (memory.oom_control).
  std::string key = {};
  std::string reset = {};
  // A cgroup that was just made holds this value already.
  bool is_default = false;
  // Where the file is missing there is nothing to enforce (the value lifts a limit, or a twin file enforces it too).
  bool may_be_absent = false;
};

// Which directory holds the files of a controller; throws or answers nullptr (a may_be_absent write is left out then).
using Finder = std::function<Directory*(const Write&)>;

// Carries out all writes in order. One that the kernel calls invalid is tried again after the others (limit and swap,
// quota, period and burst bound each other, and only the final combination must be valid).
// Writes of default values to fresh directories are left out. A limit of memory that the kernel calls busy is tried again for
// 200 ms: pages that processors have charged in advance count as usage until it has taken them back.
// Throws Error: "<directory>: <file>: write "…": …", with what is missing when the file is absent.
void apply_writes(const Finder& find, const std::vector<Write>& writes);

// The same, for a container that lives: when one write fails, the files get back what they held before, and the error
// goes on.
void update_writes(const Finder& find, const std::vector<Write>& writes);

// What to write, one value per write, to restore what `write` changes in a file that held `old_content`; pure.
[[nodiscard]] std::vector<std::string> restoring_values(const Write& write, std::string_view old_content);

}  // namespace agentsafe::cgroup
