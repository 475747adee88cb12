// Tells when the kernel's OOM killer strikes in a cgroup.
// Source: Documentation/admin-guide/cgroup-v1/memory.rst §10 (eventfd), cgroup-v2.rst memory.events (inotify).
//
//   OomWatch watch = cgroup->watch_oom();
//   poll(watch.fd()) …  if (watch.struck()) print_event("oom");
#pragma once
#include <cstdint>

#include "runtime/base/unique_fd.h"

namespace agentsafe::cgroup {

class Directory;

class OomWatch {
 public:
  OomWatch() = default;  // watches nothing: no memory cgroup
  static OomWatch v1(Directory& memory);
  static OomWatch v2(Directory& directory);

  // Readable when something may have happened; empty when nothing is watched.
  [[nodiscard]] FdRef fd() const { return notifier_; }
  // Takes what fd() has to say: true when the OOM killer struck since the last call. False too when the cgroup is
  // being removed.
  [[nodiscard]] bool struck();

 private:
  UniqueFd notifier_;      // version 1: an eventfd, version 2: an inotify instance; both non-blocking
  UniqueFd events_file_;   // version 2: memory.events
  UniqueFd control_file_;  // version 1: memory.oom_control, which tells a removal apart
  std::uint64_t kills_ = 0;
};

}  // namespace agentsafe::cgroup
