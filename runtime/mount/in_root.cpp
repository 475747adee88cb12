#include "runtime/mount/in_root.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>

#include <cerrno>
#include <deque>

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

// The walk for kernels (or filters) without openat2, and for making what is missing: one component at a time under
// held descriptors, links expanded by us, ".." by our own stack, so that no step can leave the root.
class Walk {
 public:
  Walk(FdRef root, const std::string& path) : rest_(components(path)) { stack_.push_back(sys::duplicate(root)); }

  // Follows what exists. False when the next component is missing (it is then next()).
  bool follow() {
    while (!rest_.empty()) {
      const std::string name = rest_.front();
      if (name == "..") {
        rest_.pop_front();
        if (stack_.size() > 1) stack_.pop_back();
        continue;
      }
      UniqueFd fd = sys::maybe_openat(here(), name, O_PATH | O_NOFOLLOW);
      if (!fd && errno == ENOENT) return false;
      if (!fd) fail_errno("open " + text::escaped(name));
      rest_.pop_front();
      if (S_ISLNK(sys::fstat(fd).st_mode)) {
        expand(sys::readlinkat(fd, ""));
      } else {
        stack_.push_back(std::move(fd));
      }
    }
    return true;
  }
  [[nodiscard]] FdRef here() const { return stack_.back(); }
  [[nodiscard]] const std::string& next() const { return rest_.front(); }
  [[nodiscard]] bool next_is_last() const { return rest_.size() == 1; }
  UniqueFd take() { return std::move(stack_.back()); }

 private:
  void expand(const std::string& target) {
    if (++links_ > link_limit) fail_errno("follow " + text::escaped(target), ELOOP);
    if (target.starts_with('/')) stack_.resize(1);
    auto parts = components(target);
    rest_.insert(rest_.begin(), parts.begin(), parts.end());
  }
  std::vector<UniqueFd> stack_;
  std::deque<std::string> rest_;
  int links_ = 0;
};

void make_directory(FdRef parent, const std::string& name) {
  if (sys::try_mkdirat(parent, name, 0755)) sys::fchmod(sys::openat(parent, name, O_PATH | O_NOFOLLOW), 0755);
}

void make_file(FdRef parent, const std::string& name) {
  const UniqueFd made = sys::maybe_openat(parent, name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0755);
  if (!made && errno != EEXIST) fail_errno("make " + text::escaped(name));
}

void check_kind(FdRef fd, TargetKind kind) {
  const bool is_directory = S_ISDIR(sys::fstat(fd).st_mode);
  if (kind == TargetKind::directory && !is_directory) fail_errno("a directory is mounted on a file", ENOTDIR);
  if (kind == TargetKind::file && is_directory) fail_errno("a file is mounted on a directory: not a directory", EISDIR);
}

}  // namespace

UniqueFd try_open_in_root(FdRef root, const std::string& path, int flags) {
  UniqueFd fd = sys::maybe_openat2(root, path, static_cast<std::uint64_t>(O_PATH | flags), inside);
  if (fd || errno == ENOENT || errno == ENOTDIR) return fd;
  if (errno != ENOSYS) fail_errno("open " + path);
  Walk walk(root, path);
  if (!walk.follow()) return {};
  fd = walk.take();
  if ((flags & O_DIRECTORY) != 0 && !S_ISDIR(sys::fstat(fd).st_mode)) return {};
  return fd;
}

UniqueFd open_in_root(FdRef root, const std::string& path, int flags) {
  UniqueFd fd = try_open_in_root(root, path, flags);
  if (!fd) fail_errno("open " + path);
  return fd;
}

UniqueFd make_target(FdRef root, const std::string& path, TargetKind kind) {
  UniqueFd fd = try_open_in_root(root, path);
  if (!fd) {
    Walk walk(root, path);
    while (!walk.follow()) {
      if (walk.next_is_last() && kind == TargetKind::file) {
        make_file(walk.here(), walk.next());
      } else {
        make_directory(walk.here(), walk.next());
      }
    }
    fd = walk.take();
  }
  check_kind(fd, kind);
  return fd;
}

UniqueFd make_parent(FdRef root, const std::string& path, std::string& name) {
  const auto slash = path.rfind('/');
  name = path.substr(slash == std::string::npos ? 0 : slash + 1);
  const std::string parent = slash == std::string::npos ? "" : path.substr(0, slash);
  return make_target(root, parent.empty() ? "/" : parent, TargetKind::directory);
}

}  // namespace agentsafe::mount
