#include "runtime/mount/in_root.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>

#include <cerrno>
#include <deque>
#include <vector>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/sys/fd.h"

namespace agentsafe::mount {
namespace {

constexpr int link_limit = 40;  // as the kernel's own
constexpr std::uint64_t inside = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;

std::deque<std::string> components(const std::string& path) {
  std::deque<std::string> parts;
  for (const auto part : text::split(path, '/'))
    if (!part.empty() && part != ".") parts.emplace_back(part);
  return parts;
}

// The links of procfs that lead somewhere without a path (exe, cwd, fd/3); "self", "net" and the like are plain ones.
bool is_magic(FdRef link, const std::string& target) {
  return (target.starts_with('/') || target.find(':') != std::string::npos) &&
         sys::fstatfs(link).f_type == PROC_SUPER_MAGIC;
}

// One component at a time under held descriptors, links expanded by us, ".." by our own stack: no step can leave the
// root, whatever is exchanged meanwhile.
class Walk {
 public:
  Walk(FdRef root, const std::string& path) : rest_(components(path)) { stack_.push_back(sys::duplicate(root)); }

  enum class Stop { end, missing, not_a_directory };
  // Follows what exists; `missing`: next() does not exist in here().
  Stop follow() {
    while (!rest_.empty()) {
      const std::string name = rest_.front();
      if (name == "..") {
        rest_.pop_front();
        if (stack_.size() > 1) stack_.pop_back();
        continue;
      }
      UniqueFd fd = sys::maybe_openat(here(), name, O_PATH | O_NOFOLLOW);
      if (!fd && errno == ENOENT) return Stop::missing;
      if (!fd && errno == ENOTDIR) return Stop::not_a_directory;
      if (!fd) fail_errno("open " + text::escaped(name));
      rest_.pop_front();
      if (S_ISLNK(sys::fstat(fd).st_mode)) {
        expand(fd);
      } else {
        stack_.push_back(std::move(fd));
      }
    }
    return Stop::end;
  }
  [[nodiscard]] FdRef here() const { return stack_.back(); }
  [[nodiscard]] const std::string& next() const { return rest_.front(); }
  [[nodiscard]] bool next_is_last() const { return rest_.size() == 1; }
  UniqueFd take() { return std::move(stack_.back()); }

 private:
  void expand(FdRef link) {
    const std::string target = sys::readlinkat(link, "");
    if (++links_ > link_limit || is_magic(link, target)) fail_errno("follow a link to " + text::escaped(target), ELOOP);
    if (target.starts_with('/')) stack_.erase(stack_.begin() + 1, stack_.end());
    auto parts = components(target);
    rest_.insert(rest_.begin(), parts.begin(), parts.end());
  }
  std::vector<UniqueFd> stack_;
  std::deque<std::string> rest_;
  int links_ = 0;
};

void make_file(FdRef parent, const std::string& name) {
  const UniqueFd made = sys::maybe_openat(parent, name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644);
  if (!made && errno != EEXIST) fail_errno("make " + text::escaped(name));
}

void make(FdRef parent, const std::string& name, TargetKind kind) {
  if (kind == TargetKind::file) return make_file(parent, name);
  sys::try_mkdirat(parent, name, 0755);
}

Target checked(UniqueFd fd, const struct stat& info, TargetKind kind, bool made) {
  const bool is_directory = S_ISDIR(info.st_mode);
  if (kind == TargetKind::directory && !is_directory) fail_errno("a directory is mounted on a file", ENOTDIR);
  if (kind == TargetKind::file && is_directory) fail("a file is mounted on a directory: the source is not a directory");
  return {std::move(fd), info, made};
}

Target checked(UniqueFd fd, TargetKind kind, bool made) {
  const auto info = sys::fstat(fd);
  return checked(std::move(fd), info, kind, made);
}

// The common case: only the last component is missing. No descriptor when more is, or when a dangling link is there.
Target try_make_last(FdRef root, const std::string& path, TargetKind kind) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos || slash == 0) return {};
  const std::string name = path.substr(slash + 1);
  if (name.empty() || name == "." || name == "..") return {};
  const UniqueFd parent = try_open_in_root(root, path.substr(0, slash), O_DIRECTORY);
  if (!parent) return {};
  make(parent, name, kind);
  UniqueFd fd = sys::openat(parent, name, O_PATH | O_NOFOLLOW);
  const auto info = sys::fstat(fd);
  if (S_ISLNK(info.st_mode)) return {};
  return checked(std::move(fd), info, kind, true);
}

}  // namespace

UniqueFd try_walk_in_root(FdRef root, const std::string& path, int flags) {
  Walk walk(root, path);
  if (walk.follow() != Walk::Stop::end) return {};
  UniqueFd fd = walk.take();
  if ((flags & O_DIRECTORY) != 0 && !S_ISDIR(sys::fstat(fd).st_mode)) return {};
  return fd;
}

UniqueFd try_open_in_root(FdRef root, const std::string& path, int flags) {
  UniqueFd fd = sys::maybe_openat2(root, path, static_cast<std::uint64_t>(O_PATH | flags), inside);
  if (fd || errno == ENOENT || errno == ENOTDIR) return fd;
  if (errno != ENOSYS && errno != EPERM) fail_errno("open " + text::escaped(path));
  return try_walk_in_root(root, path, flags);  // EPERM: how older filters say that they do not know a call
}

UniqueFd open_in_root(FdRef root, const std::string& path, int flags) {
  UniqueFd fd = try_open_in_root(root, path, flags);
  if (!fd) fail_errno("open " + text::escaped(path), ENOENT);
  return fd;
}

Target make_target(FdRef root, const std::string& path, TargetKind kind) {
  if (UniqueFd fd = try_open_in_root(root, path)) return checked(std::move(fd), kind, false);
  if (Target target = try_make_last(root, path, kind); target.fd) return target;
  Walk walk(root, path);
  bool made = false;
  for (;;) {
    const auto stop = walk.follow();
    if (stop == Walk::Stop::end) return checked(walk.take(), kind, made);
    if (stop == Walk::Stop::not_a_directory) fail_errno("make " + text::escaped(walk.next()), ENOTDIR);
    made = true;
    make(walk.here(), walk.next(), walk.next_is_last() ? kind : TargetKind::directory);
  }
}

Target make_target_nofollow(FdRef root, const std::string& path, TargetKind kind) {
  std::string name;
  const UniqueFd parent = make_parent(root, path, name);
  UniqueFd fd = sys::try_openat(parent, name, O_PATH | O_NOFOLLOW);
  if (fd) return checked(std::move(fd), kind, false);
  make(parent, name, kind);
  return checked(sys::openat(parent, name, O_PATH | O_NOFOLLOW), kind, true);
}

Target make_plain_directory(FdRef root, const std::string& path) {
  UniqueFd here;
  bool made = false;
  for (const auto& name : components(path)) {
    const FdRef parent = here ? FdRef(here) : root;
    UniqueFd next = sys::maybe_openat(parent, name, O_PATH | O_NOFOLLOW | O_DIRECTORY);
    if (!next && errno == ENOENT) {
      made = sys::try_mkdirat(parent, name, 0755);
      next = sys::maybe_openat(parent, name, O_PATH | O_NOFOLLOW | O_DIRECTORY);
    }
    if (!next && (errno == ENOTDIR || errno == ELOOP))
      fail("it must be mounted on ordinary directory, and " + path + " is none");
    if (!next) fail_errno("open " + text::escaped(name));
    here = std::move(next);
  }
  const auto info = sys::fstat(here);
  return {std::move(here), info, made};
}

UniqueFd make_parent(FdRef root, const std::string& path, std::string& name) {
  const auto slash = path.rfind('/');
  name = path.substr(slash == std::string::npos ? 0 : slash + 1);
  const std::string parent = slash == std::string::npos ? "" : path.substr(0, slash);
  return make_target(root, parent.empty() ? "/" : parent, TargetKind::directory).fd;
}

}  // namespace agentsafe::mount
