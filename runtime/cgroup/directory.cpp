#include "runtime/cgroup/directory.h"

#include <unistd.h>

#include <algorithm>
#include <thread>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/sys/fd.h"

namespace agentsafe::cgroup {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
constexpr mode_t directory_mode = 0755;

// true: removed or never there; false: still busy.
bool try_rmdir(const std::string& path) {
  if (::rmdir(path.c_str()) == 0 || errno == ENOENT) return true;
  if (errno == EBUSY || errno == ENOTEMPTY) return false;
  fail_errno("remove " + path);
}

void append_pids(FdRef dir, const std::string& below, std::vector<pid_t>& pids) {
  const std::string file = below.empty() ? "cgroup.procs" : below + "/cgroup.procs";
  const UniqueFd fd = sys::maybe_openat(dir, file, O_RDONLY);
  if (!fd) {
    if (errno == ENOENT || errno == ENODEV) return;  // removed in the meantime
    fail_errno(file);
  }
  std::string content;
  try {
    content = sys::read_all(fd);
  } catch (const Error& error) {
    // A threaded cgroup answers EOPNOTSUPP: its processes are listed by the domain above it. ENODEV: removed.
    if (error.error_number() == EOPNOTSUPP || error.error_number() == ENODEV) return;
    throw;
  }
  for (const auto line : text::lines(content))
    if (const auto pid = text::parse<pid_t>(line); pid && *pid > 0) pids.push_back(*pid);
}

void append_descendants(FdRef dir, const std::string& prefix, std::vector<std::string>& found) {
  const UniqueFd open_dir = sys::try_openat(dir, prefix.empty() ? "." : prefix, O_RDONLY | O_DIRECTORY);
  if (!open_dir) return;
  for (const auto& name : sys::list_directory(open_dir)) {
    const auto info = sys::try_fstatat(open_dir, name);
    if (!info || !S_ISDIR(info->st_mode)) continue;
    const std::string below = prefix.empty() ? name : prefix + "/" + name;
    append_descendants(dir, below, found);
    found.push_back(below);
  }
}

}  // namespace

std::vector<std::string> descendants(FdRef dir) {
  std::vector<std::string> found;
  append_descendants(dir, "", found);
  return found;
}

std::string first_missing_parent(const Place& place) {
  const auto is_there = [&](const std::string& below) {
    return below.empty() || sys::try_fstatat(sys::at_cwd, place.mount_point + below).has_value();
  };
  if (is_there(place.path.substr(0, place.path.rfind('/')))) return {};
  for (auto slash = place.path.find('/', 1); slash != std::string::npos; slash = place.path.find('/', slash + 1))
    if (auto parent = place.path.substr(0, slash); !is_there(parent)) return parent;
  return {};
}

Directory::~Directory() {
  for (auto path = made_.rbegin(); path != made_.rend(); ++path) ::rmdir(path->c_str());
}

void Directory::make_once(const std::function<void(const std::string&)>& each_made) {
  const auto make_one = [&](const std::string& below) {
    const std::string whole = place_.mount_point + below;
    if (!sys::try_mkdirat(sys::at_cwd, whole, directory_mode)) return false;
    made_.push_back(whole);
    if (each_made) each_made(below);
    return true;
  };
  for (std::size_t slash = place_.path.find('/', 1); slash != std::string::npos;
       slash = place_.path.find('/', slash + 1))
    make_one(place_.path.substr(0, slash));
  fresh_ = make_one(place_.path);
}

void Directory::make(const std::function<void(const std::string&)>& each_made) {
  constexpr int tries = 10;
  in_context("make the cgroup " + path(), [&] {
    for (int left = tries; left > 0; --left) {
      try {
        return make_once(each_made);
      } catch (const Error& error) {
        if (error.error_number() != ENOENT || left == 1) throw;
      }
    }
  });
}

bool Directory::has_controller(std::string_view name) const {
  return std::find(place_.controllers.begin(), place_.controllers.end(), name) != place_.controllers.end();
}

FdRef Directory::fd() {
  if (!fd_) fd_ = sys::openat(sys::at_cwd, path(), O_RDONLY | O_DIRECTORY);
  return fd_;
}

bool Directory::exists() {
  if (!fd_) fd_ = sys::try_openat(sys::at_cwd, path(), O_RDONLY | O_DIRECTORY);
  return static_cast<bool>(fd_);
}

std::optional<std::string> Directory::try_read(const std::string& file) {
  return in_context(path(), [&]() -> std::optional<std::string> {
    if (!exists()) return std::nullopt;
    try {
      return sys::try_read_record(fd(), file);
    } catch (const Error& error) {
      if (error.error_number() == ENODEV) return std::nullopt;  // removed between open and read
      throw;
    }
  });
}

std::string Directory::read(const std::string& file) {
  return in_context(path(), [&] { return sys::read_record(fd(), file); });
}

void Directory::write(const std::string& file, std::string_view value) {
  in_context(path(), [&] { sys::write_file(fd(), file, value); });
}

bool Directory::try_write(const std::string& file, std::string_view value) {
  return in_context(path(), [&] {
    if (!exists()) return false;
    if (written_file_ != file || !written_fd_) written_fd_ = sys::try_openat(fd(), file, O_WRONLY);
    written_file_ = file;
    if (!written_fd_) return false;
    try {
      in_context(file, [&] { sys::rewrite(written_fd_, value); });
      return true;
    } catch (const Error& error) {
      written_fd_.reset();
      if (error.error_number() == ENODEV) return false;  // removed since it was opened
      throw;
    }
  });
}

std::vector<pid_t> Directory::pids() {
  std::vector<pid_t> pids;
  if (!exists()) return pids;
  in_context(path(), [&] {
    append_pids(fd(), "", pids);
    for (const auto& below : descendants(fd())) append_pids(fd(), below, pids);
  });
  std::sort(pids.begin(), pids.end());
  pids.erase(std::unique(pids.begin(), pids.end()), pids.end());
  return pids;
}

void Directory::remove(milliseconds limit) {
  remove_subtree(limit);
  if (place_.first_missing.empty()) return;
  for (auto end = place_.path.rfind('/'); end >= place_.first_missing.size(); end = place_.path.rfind('/', end - 1))
    if (!try_rmdir(place_.mount_point + place_.path.substr(0, end))) return;
}

void Directory::remove_subtree(milliseconds limit) {
  fd_.reset();
  written_fd_.reset();
  if (try_rmdir(path())) return;
  const auto deadline = steady_clock::now() + limit;
  for (auto pause = std::chrono::microseconds(200);; pause = std::min(pause * 2, std::chrono::microseconds(20'000))) {
    if (exists())
      for (const auto& below : descendants(fd())) try_rmdir(path() + "/" + below);
    fd_.reset();
    if (try_rmdir(path())) return;
    if (steady_clock::now() >= deadline) {
      const auto left = pids().size();
      fail("remove the cgroup " + path() + ": it is busy" +
           (left > 0 ? ": " + std::to_string(left) + " process(es) are still in it" : std::string()));
    }
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace agentsafe::cgroup
