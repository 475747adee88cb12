// Compiled filters by the hash of what they were made from. An entry is only a faster way to the same bytes: one that is
// not exactly as we wrote it is compiled anew and replaced.
#include <fcntl.h>
#include <linux/filter.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oci/linux_json.h"
#include "runtime/base/error.h"
#include "runtime/security/library_tables.h"
#include "runtime/security/seccomp.h"
#include "runtime/security/sha256.h"
#include "runtime/security/syscall_numbers.h"
#include "runtime/sys/fd.h"

namespace agentsafe::security {
namespace {

constexpr std::size_t hash_size = 64;
constexpr std::size_t entry_limit = 64U << 10;
constexpr std::size_t entries_limit = 256;

// The profile, and everything else that decides what comes out of it.
std::string key_of(const oci::Seccomp& seccomp) {
  const std::string versions = "agentsafe-seccomp 1 " AGENTSAFE_VERSION " " + std::string(libseccomp_version()) + " " +
                               std::to_string(this_machine()) + "\n";
  return sha256(versions + json::write(seccomp));
}

// An entry is the hash of the instructions, then the instructions.
bool take(FdRef folder, const std::string& name, std::string& instructions) {
  const UniqueFd file = sys::maybe_openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!file) return false;
  const auto info = sys::fstat(file);
  const auto size = static_cast<std::size_t>(info.st_size);
  const bool ours = S_ISREG(info.st_mode) && info.st_uid == ::geteuid() && (info.st_mode & 0077) == 0;
  if (!ours || size <= hash_size || size > entry_limit || (size - hash_size) % sizeof(sock_filter) != 0) return false;
  const std::string entry = sys::read_all(file, entry_limit);
  if (entry.size() != size || sha256(std::string_view(entry).substr(hash_size)) != entry.substr(0, hash_size)) return false;
  instructions = entry.substr(hash_size);
  return true;
}

UniqueFd open_folder(const std::string& path) {
  UniqueFd folder = sys::maybe_openat(sys::at_cwd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!folder) {
    sys::mkdir_all(path, 0700);
    folder = sys::maybe_openat(sys::at_cwd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  }
  if (!folder) return {};
  const auto info = sys::fstat(folder);
  return info.st_uid == ::geteuid() && (info.st_mode & 0077) == 0 ? std::move(folder) : UniqueFd();
}

// Profiles that change with every container must not fill the host's memory: a full cache starts anew.
void make_room(FdRef folder) {
  const auto names = sys::list_directory(folder);
  if (names.size() < entries_limit) return;
  for (const auto& name : names) sys::unlinkat(folder, name);
}

}  // namespace

SeccompProgram compile_cached(const oci::Seccomp& seccomp, const std::string& path, std::vector<std::string>& warnings) {
  const UniqueFd folder = path.empty() ? UniqueFd() : open_folder(path);
  if (!folder) return compile(seccomp, warnings);
  const std::string name = key_of(seccomp);
  SeccompProgram program;
  if (take(folder, name, program.instructions)) {
    set_loading(program, seccomp);
    return program;
  }
  program = compile(seccomp, warnings);
  make_room(folder);
  // Concurrent writers: each has a name of its own, the last rename wins with the same bytes.
  const std::string fresh = name + "." + std::to_string(::getpid());
  sys::replace_file(folder, fresh, sha256(program.instructions) + program.instructions, 0600);
  sys::renameat(folder, fresh, name);
  return program;
}

}  // namespace agentsafe::security
