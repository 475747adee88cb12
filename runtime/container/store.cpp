#include "runtime/container/store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "oci/spec_json.h"
#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/container/record_json.h"
#include "runtime/sys/fd.h"

namespace agentsafe::container {
namespace {

constexpr const char* state_file = "state.json";
constexpr const char* config_file = "config.json";
constexpr const char* fifo_file = "exec.fifo";
constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

bool id_character(char c) {
  const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return is_letter || (c >= '0' && c <= '9') || std::string_view("_+.-").find(c) != std::string_view::npos;
}

// Depth-first; never follows a link. Our own folder, but notify/ is writable from inside the container.
void remove_tree(FdRef parent, const std::string& name) {
  const UniqueFd dir = sys::maybe_openat(parent, name, directory_flags);
  if (dir) {
    for (const auto& entry : sys::list_directory(dir)) remove_tree(dir, entry);
    sys::unlinkat(parent, name, AT_REMOVEDIR);
  } else {
    sys::unlinkat(parent, name);
  }
}

}  // namespace

void check_id(std::string_view id) {
  const bool valid = !id.empty() && id.size() <= 255 && std::all_of(id.begin(), id.end(), id_character) && id != "." &&
                     id != ".." && !id.starts_with('-') && !id.starts_with(".agentsafe");
  if (!valid) fail("invalid container ID format: \"" + text::escaped(id.substr(0, 300)) + "\"");
}

Record as_seen_after_reboot(Record record) {
  record.pid = 0;
  record.startTime = record.pidfdInode = 0;
  record.cgroupIsOurs = false;  // one of this boot at the same place is another container's, unless it is empty
  record.hostsMounts.reset();
  record.firstId.reset();
  record.scratch.clear();
  record.sharedNetwork.reset();
  record.intelRdt.reset();
  return record;
}

void ContainerDir::save(const Record& record) { sys::replace_file(dir_, state_file, to_json(record), 0600); }

void ContainerDir::stage(const Record& record) { sys::stage_file(dir_, state_file, to_json(record), 0600); }

void ContainerDir::commit() { sys::exchange_file(dir_, state_file); }

std::optional<Record> ContainerDir::try_load() const {
  const auto text = sys::try_read_file(dir_, state_file);
  if (!text) return std::nullopt;
  return in_context(path_ + "/" + state_file, [&] { return read_record(*text); });
}

Record ContainerDir::load() const {
  auto record = try_load();
  if (!record) fail("container does not exist: it was left half-made; remove it with delete --force");
  return std::move(*record);
}

void ContainerDir::save_config(std::string_view text) { sys::make_file(dir_, config_file, text, 0600); }

oci::Spec ContainerDir::load_config() const {
  return in_context(path_ + "/" + config_file, [&] { return oci::read_spec(sys::read_file(dir_, config_file)); });
}

void ContainerDir::lock() {
  using namespace std::chrono_literals;
  constexpr auto step = 10ms;
  for (auto waited = 0ms; ::flock(dir_.get(), LOCK_EX | LOCK_NB) != 0; waited += step) {
    if (errno != EWOULDBLOCK && errno != EINTR) fail_errno("lock " + path_);
    if (waited > 10s) fail("lock " + path_ + ": another command has been working on this container for ten seconds");
    std::this_thread::sleep_for(step);
  }
}

bool ContainerDir::is_locked() const {
  // A descriptor of our own: flock belongs to the open file, and ours may hold it.
  const UniqueFd other = sys::openat(dir_, ".", directory_flags);
  if (::flock(other.get(), LOCK_SH | LOCK_NB) == 0) return false;
  if (errno != EWOULDBLOCK) fail_errno("probe the lock of " + path_);
  return true;
}

void ContainerDir::make_fifo(uid_t uid, gid_t gid) {
  if (::mkfifoat(dir_.get(), fifo_file, 0622) != 0) fail_errno("make " + path_ + "/" + fifo_file);
  const UniqueFd fifo = sys::openat(dir_, fifo_file, O_PATH | O_NOFOLLOW);
  sys::fchmod(fifo, 0622);
  if (uid != ::geteuid()) sys::fchown(fifo, uid, gid);
}

bool ContainerDir::has_fifo() const { return sys::try_fstatat(dir_, fifo_file).has_value(); }

void ContainerDir::remove_fifo() { sys::unlinkat(dir_, fifo_file); }

void ContainerDir::remove() {
  in_context("remove " + path_, [&] {
    for (const char* usual : {state_file, config_file}) sys::unlinkat(dir_, usual);
    if (::rmdir(path_.c_str()) == 0) return;
    for (const auto& entry : sys::list_directory(dir_)) remove_tree(dir_, entry);
    sys::unlinkat(sys::at_cwd, path_, AT_REMOVEDIR);
  });
}

ContainerDir Store::create(const std::string& id) const {
  check_id(id);
  const std::string path = root_ + "/" + id;
  if (::mkdir(path.c_str(), 0711) != 0) {
    if (errno == EEXIST) fail("container with given ID already exists: " + id);
    if (errno != ENOENT) fail_errno("make " + path);
    sys::mkdir_all(root_, 0711);
    if (!sys::try_mkdirat(sys::at_cwd, path, 0711)) fail("container with given ID already exists: " + id);
  }
  ContainerDir dir(sys::openat(sys::at_cwd, path, directory_flags), path);
  sys::fchmod(dir.fd(), 0711);  // whatever the umask
  dir.lock();
  return dir;
}

std::optional<ContainerDir> Store::try_open(const std::string& id) const {
  check_id(id);
  const std::string path = root_ + "/" + id;
  UniqueFd dir = sys::try_openat(sys::at_cwd, path, directory_flags);
  if (!dir) return std::nullopt;
  return ContainerDir(std::move(dir), path);
}

ContainerDir Store::open(const std::string& id) const {
  auto dir = try_open(id);
  if (!dir) fail("container does not exist: " + id);
  return std::move(*dir);
}

std::vector<std::string> Store::ids() const {
  const UniqueFd root = sys::try_openat(sys::at_cwd, root_, O_RDONLY | O_DIRECTORY);
  if (!root) return {};
  std::vector<std::string> ids;
  for (auto& name : sys::list_directory(root)) {
    const auto info = name.starts_with(".agentsafe") ? std::nullopt : sys::try_fstatat(root, name);
    if (info && S_ISDIR(info->st_mode)) ids.push_back(std::move(name));
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace agentsafe::container
