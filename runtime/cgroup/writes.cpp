#include "runtime/cgroup/writes.h"

#include <cerrno>
#include <chrono>
#include <thread>

#include "runtime/base/error.h"
#include "runtime/base/scope.h"
#include "runtime/base/text.h"
#include "runtime/cgroup/directory.h"
#include "runtime/sys/fd.h"

namespace agentsafe::cgroup {
namespace {

[[noreturn]] void fail_absent(Directory& directory, const Write& write) {
  fail(directory.path() + ": cannot set " + write.file + " to " + text::escaped(write.value) + ": the kernel has no " +
       "such file here; is the " + write.controller + " controller built in, mounted and enabled?");
}

using namespace std::chrono_literals;
constexpr auto patience = 200ms;

// False: the file is absent. EBUSY for a limit of memory (version 1) says that the usage is above it. What processors have
// charged in advance, up to 256 KiB each, counts as usage, and the kernel takes it back only after it has refused: when
// the rest is below the limit, the same write succeeds a moment later.
bool write_patiently(Directory& directory, const Write& write) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    try {
      return directory.try_write(write.file, write.value);
    } catch (const Error& error) {
      const bool may_pass = error.error_number() == EBUSY && write.controller == "memory";
      if (!may_pass || std::chrono::steady_clock::now() > deadline) throw;
    }
    std::this_thread::sleep_for(1ms);
  }
}

// EBUSY on memory.limit_in_bytes: the usage cannot be pushed below the limit.
std::string usage_hint(Directory& directory, const Write& write) {
  if (write.file != "memory.limit_in_bytes") return {};
  const auto usage = directory.try_read("memory.usage_in_bytes");
  const auto peak = directory.try_read("memory.max_usage_in_bytes");
  return ": unable to set memory limit to " + write.value +
         " (current usage: " + std::string(text::trim(usage.value_or("unknown"))) +
         ", peak usage: " + std::string(text::trim(peak.value_or("unknown"))) + ")";
}

// false: invalid at the moment.
bool perform(const Finder& find, const Write& write) {
  Directory* directory = find(write);
  if (directory == nullptr || (write.is_default && directory->fresh())) return true;
  try {
    if (!write_patiently(*directory, write) && !write.may_be_absent) fail_absent(*directory, write);
    return true;
  } catch (const Error& error) {
    if (error.error_number() == EINVAL) return false;
    if (error.error_number() == EBUSY) throw Error(error.message() + usage_hint(*directory, write), EBUSY);
    throw;
  }
}

void perform_or_fail(const Finder& find, const Write& write) {
  if (!perform(find, write))
    throw Error(find(write)->path() + ": " + write.file + ": write \"" + text::escaped(write.value) +
                    "\": " + errno_text(EINVAL),
                EINVAL);
}

struct Restore {
  Directory* directory;
  std::string file;
  std::string value;
};

// A memory limit and its swap limit bound each other on the way back too: two rounds reach every combination.
void restore_all(const std::vector<Restore>& restores) noexcept {
  for (int round = 0; round < 2; ++round) {
    for (auto restore = restores.rbegin(); restore != restores.rend(); ++restore) {
      try {
        restore->directory->try_write(restore->file, restore->value);
      } catch (const Error&) {  // the error that led here is reported; what could be restored is
      }
    }
  }
}

}  // namespace

void apply_writes(const Finder& find, const std::vector<Write>& writes) {
  std::vector<const Write*> invalid;
  for (const auto& write : writes)
    if (!perform(find, write)) invalid.push_back(&write);
  for (const auto* write : invalid) perform_or_fail(find, *write);
}

void update_writes(const Finder& find, const std::vector<Write>& writes) {
  std::vector<Restore> restores;
  for (const auto& write : writes) {
    Directory* directory = find(write);
    if (directory == nullptr) continue;
    if (const auto old_content = directory->try_read(write.file))
      for (auto& value : restoring_values(write, *old_content))
        restores.push_back({directory, write.file, std::move(value)});
  }
  OnExit undo([&] { restore_all(restores); });
  apply_writes(find, writes);
  undo.keep();
}

std::vector<std::string> restoring_values(const Write& write, std::string_view old_content) {
  const auto lines = text::lines(old_content);
  if (write.key.empty()) return {lines.begin(), lines.end()};
  for (const auto line : lines) {
    if (!line.starts_with(write.key + " ")) continue;
    return {std::string(write.reset.empty() ? text::trim(line.substr(write.key.size())) : line)};
  }
  return {write.reset};
}

}  // namespace agentsafe::cgroup
