#include "runtime/cgroup/oom_watch.h"

#include <sys/eventfd.h>
#include <sys/inotify.h>

#include <array>
#include <string>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/cgroup/directory.h"
#include "runtime/sys/fd.h"

namespace agentsafe::cgroup {
namespace {

// The number of a "name N" line; nothing when the file cannot be read any more.
std::optional<std::uint64_t> counter(FdRef file, std::string_view name) {
  std::array<char, 4096> buffer{};
  const ssize_t size = ::pread(file.get(), buffer.data(), buffer.size(), 0);
  if (size < 0) return std::nullopt;
  for (const auto line : text::lines({buffer.data(), static_cast<std::size_t>(size)})) {
    const auto words = text::words(line);
    if (words.size() == 2 && words[0] == name) return text::parse<std::uint64_t>(words[1]);
  }
  return std::nullopt;
}

bool drain(FdRef notifier) {
  std::array<char, 4096> buffer{};
  bool any = false;
  while (::read(notifier.get(), buffer.data(), buffer.size()) > 0) any = true;
  return any;
}

}  // namespace

OomWatch OomWatch::v1(Directory& memory) {
  return in_context("watch for OOM", [&] {
    OomWatch watch;
    watch.notifier_ = UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!watch.notifier_) fail_errno("eventfd");
    watch.control_file_ = sys::openat(memory.fd(), "memory.oom_control", O_RDONLY);
    memory.write("cgroup.event_control",
                 std::to_string(watch.notifier_.get()) + " " + std::to_string(watch.control_file_.get()));
    return watch;
  });
}

OomWatch OomWatch::v2(Directory& directory) {
  return in_context("watch for OOM", [&] {
    OomWatch watch;
    watch.events_file_ = sys::openat(directory.fd(), "memory.events", O_RDONLY);
    watch.notifier_ = UniqueFd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!watch.notifier_) fail_errno("inotify_init1");
    if (::inotify_add_watch(watch.notifier_.get(), (directory.path() + "/memory.events").c_str(), IN_MODIFY) < 0)
      fail_errno("inotify_add_watch " + directory.path() + "/memory.events");
    watch.kills_ = counter(watch.events_file_, "oom_kill").value_or(0);
    return watch;
  });
}

bool OomWatch::struck() {
  if (!notifier_ || !drain(notifier_)) return false;
  if (control_file_) return counter(control_file_, "under_oom").has_value();  // the eventfd also tells of the removal
  const auto kills = counter(events_file_, "oom_kill");
  if (!kills || *kills == kills_) return false;
  kills_ = *kills;
  return true;
}

}  // namespace agentsafe::cgroup
