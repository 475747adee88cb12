// One cgroup directory in one hierarchy: made, read, written, listed and removed.
//
//   Directory pids({{"pids"}, "/sys/fs/cgroup/pids", "/web"});
//   pids.make();                       // also the directories above; undone by the destructor until keep()
//   pids.write("pids.max", "100");
//   pids.keep();
//
// Nothing is held open but the directory itself. Functions throw Error naming the directory's whole path.
#pragma once
#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/unique_fd.h"
#include "runtime/cgroup/plan.h"

namespace agentsafe::cgroup {

class Directory {
 public:
  explicit Directory(Place place) : place_(std::move(place)) {}
  Directory(Directory&&) = default;
  Directory& operator=(Directory&&) = delete;
  ~Directory();  // removes what make() made, unless kept

  // Makes the directory and the missing ones above it, also when another container's remove() takes one away meanwhile.
  // each_made is told every directory that was made, top-down, as a path below the mount point, before the next one is
  // made.
  void make(const std::function<void(const std::string&)>& each_made = {});
  void keep() { made_.clear(); }
  // make() made it: it is empty, and its files hold the kernel's defaults.
  [[nodiscard]] bool fresh() const { return fresh_; }

  [[nodiscard]] const Place& place() const { return place_; }
  [[nodiscard]] bool has_controller(std::string_view name) const;
  [[nodiscard]] std::string path() const { return place_.directory(); }
  // O_PATH, opened on first use. Throws when the directory is gone.
  FdRef fd();
  [[nodiscard]] bool exists();

  [[nodiscard]] std::string read(const std::string& file);
  [[nodiscard]] std::optional<std::string> try_read(const std::string& file);  // empty: no such file or directory
  void write(const std::string& file, std::string_view value);
  // false: no such file or directory.
  bool try_write(const std::string& file, std::string_view value);

  // The pids in this cgroup and in all below it, sorted, without doubles; empty when the directory is gone.
  [[nodiscard]] std::vector<pid_t> pids();
  // Moves a process here. Slow on version 1 (see performance.md): init joins by itself, join.h.
  void add(pid_t pid) { write("cgroup.procs", std::to_string(pid)); }

  // Removes the cgroup and all below it; none of them may have processes that stay. Those that are just ending are
  // waited for up to `limit`. A directory that is gone is fine. Then those above it from place().first_missing on, as
  // long as they are empty.
  void remove(std::chrono::milliseconds limit);

 private:
  void make_once(const std::function<void(const std::string&)>& each_made);
  void remove_subtree(std::chrono::milliseconds limit);

  Place place_;
  UniqueFd fd_;
  std::string written_file_;  // the last one that was written to, kept open: device rules are a dozen writes to one
  UniqueFd written_fd_;
  std::vector<std::string> made_;  // whole paths, top-down
  bool fresh_ = false;
};

// The directories below dir, each before the one that holds it.
[[nodiscard]] std::vector<std::string> descendants(FdRef dir);

// What Place::first_missing is now.
[[nodiscard]] std::string first_missing_parent(const Place& place);

}  // namespace agentsafe::cgroup
