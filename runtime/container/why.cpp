// why: what a running container may open, execute or use, as the kernel has it in force (its mount table, its
// capability sets), and which rule of the policy or of config.json made it so (policy::harden, which create asks as
// well).
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/container/container.h"
#include "runtime/mount/in_root.h"
#include "runtime/mount/mount_table.h"
#include "runtime/policy/harden.h"
#include "runtime/security/capabilities.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/mount.h"

namespace agentsafe::container {
namespace {

constexpr std::string_view missing = "missing: there is no such file in the container\n";

struct Asked {
  Container container;
  oci::Spec spec;  // config.json as it was given
  policy::Policy policy;
  std::string proc;  // /proc/PID
};

Asked open_running(Runtime& runtime, const std::string& id) {
  Container container = open_container(runtime, id);
  (void)container.running_init();
  oci::Spec spec = container.dir.load_config();
  const policy::Policy policy = policy_of(container.record);
  const std::string proc = "/proc/" + std::to_string(container.record.pid);
  return {std::move(container), std::move(spec), policy, proc};
}

bool covers(std::string_view folder, const std::string& path) {
  return path == folder || (path.starts_with(folder) && (folder == "/" || path[folder.size()] == '/'));
}

// The key of the policy that changed `property` in a way that covers the path; "": config.json itself says it.
std::string key_for(const Asked& asked, std::string_view property, const std::string& path) {
  if (asked.policy == policy::Policy{}) return {};
  const auto hardened = policy::harden(asked.spec, asked.policy, policy::look_around());
  for (const auto& change : hardened.changes) {
    if (change.property != property) continue;
    const auto words = text::words(change.after);
    const bool names_paths = change.after.starts_with('/');
    if (!names_paths || std::any_of(words.begin(), words.end(), [&](auto word) { return covers(word, path); }))
      return std::string(change.key);
  }
  return {};
}

std::string because(const Asked& asked, std::string_view property, const std::string& path) {
  const std::string key = key_for(asked, property, path);
  if (key.empty()) return std::string(property) + " of config.json says so\n";
  return key + " of policy " + text::escaped(asked.container.record.policy) +
         " says so; to allow it, let the operator's policy change that key\n";
}

struct Found {
  UniqueFd file;
  struct stat info {};
  std::uint64_t flags = 0;  // MOUNT_ATTR_* of its mount
  std::string point;        // of its mount
  std::string type;
};

std::optional<Found> find(const Asked& asked, const std::string& path) {
  const UniqueFd root = sys::openat(sys::at_cwd, asked.proc + "/root", O_PATH | O_DIRECTORY);
  Found found;
  found.file = mount::try_open_in_root(root, path);
  if (!found.file) return std::nullopt;
  found.info = sys::fstat(found.file);
  const auto id = sys::mount_id(found.file);
  const std::string table = sys::read_file(sys::at_cwd, asked.proc + "/mountinfo");
  for (const auto& line : mount::parse_mount_table(table)) {
    if (line.id != id) continue;
    found.flags = line.flags;
    found.point = line.point;
    found.type = line.type;
    return found;
  }
  fail("the mount of " + text::escaped(path) + " is not in the container's mount table");
}

// A mask is the null device, or an empty read-only file system, at the very path (mount/masks.cpp).
bool is_masked(const Asked& asked, const Found& found, const std::string& path) {
  const bool null = S_ISCHR(found.info.st_mode) && found.info.st_rdev == makedev(1, 3) && path != "/dev/null";
  const bool empty = found.type == "tmpfs" && (found.flags & MOUNT_ATTR_RDONLY) != 0;
  if (!null && !empty) return false;
  const auto hardened = policy::harden(asked.spec, asked.policy, policy::look_around());
  if (!hardened.spec.linux) return false;
  const auto& masks = hardened.spec.linux->maskedPaths;
  return std::any_of(masks.begin(), masks.end(),
                     [&](const auto& mask) { return covers(text::clean_path(mask), path); });
}

std::string why_readonly(const Asked& asked, const Found& found, const std::string& path) {
  if (found.point == "/") return because(asked, "root.readonly", path);
  const auto& mounts = asked.spec.mounts;
  const bool is_mount = std::any_of(mounts.begin(), mounts.end(), [&](const auto& mount) {
    return text::clean_path(mount.destination) == found.point;
  });
  if (is_mount) return "mount " + text::escaped(found.point) + " of config.json is read-only\n";
  return because(asked, "linux.readonlyPaths", path);
}

std::string where_writes_go(const Asked& asked, const Found& found) {
  if (found.point != "/" || asked.policy.rootfs != "overlay") return "mount " + text::escaped(found.point);
  return "the scratch layer, which ends with the container (fs.rootfs \"overlay\")";
}

std::string absolute(const std::string& path) {
  if (!path.starts_with('/')) fail("\"" + text::escaped(path) + "\" is not an absolute path of the container");
  return text::clean_path(path);
}

}  // namespace

std::string why_open(Runtime& runtime, const std::string& id, const std::string& given) {
  const std::string path = absolute(given);
  const Asked asked = open_running(runtime, id);
  const auto found = find(asked, path);
  if (!found) return std::string(missing);
  if (is_masked(asked, *found, path))
    return "refused: it is masked, and reads as empty: " + because(asked, "linux.maskedPaths", path);
  if ((found->flags & MOUNT_ATTR_RDONLY) != 0)
    return "allowed: to read\nrefused: to write (EROFS): " + why_readonly(asked, *found, path);
  return "allowed: as the file's owner and mode say; writes go to " + where_writes_go(asked, *found) + "\n";
}

std::string why_exec(Runtime& runtime, const std::string& id, const std::string& given) {
  const std::string path = absolute(given);
  const Asked asked = open_running(runtime, id);
  const auto found = find(asked, path);
  if (!found) return std::string(missing);
  if (!S_ISREG(found->info.st_mode)) return "refused: it is no regular file (EACCES)\n";
  if ((found->flags & MOUNT_ATTR_NOEXEC) != 0)
    return "refused: mount " + text::escaped(found->point) + " has the option noexec (EACCES)\n";
  if ((found->info.st_mode & 0111) == 0) return "refused: its mode has no x (EACCES)\n";
  const bool has_more = (found->info.st_mode & (S_ISUID | S_ISGID)) != 0;
  if (has_more && (asked.policy.no_new_privileges || asked.spec.process->noNewPrivileges))
    return "allowed: but without the rights of its owner: " + because(asked, "process.noNewPrivileges", path);
  return "allowed: as the file's owner and mode say\n";
}

std::string why_capability(Runtime& runtime, const std::string& id, const std::string& name) {
  const std::string full = name.starts_with("CAP_") ? name : "CAP_" + name;
  const auto all = security::capability_names();
  const auto at = std::find(all.begin(), all.end(), full);
  if (at == all.end()) fail("there is no capability \"" + text::escaped(name) + "\"; a right name is CAP_NET_RAW");
  const Asked asked = open_running(runtime, id);
  const std::string status = sys::read_file(sys::at_cwd, asked.proc + "/status");
  const auto line = status.find("\nCapBnd:");
  const auto bounding = text::parse<std::uint64_t>(text::trim(std::string_view(status).substr(line + 8, 18)), 16);
  if (line == std::string::npos || !bounding) fail("read the capabilities of " + asked.proc);
  if ((*bounding >> (at - all.begin()) & 1) != 0)
    return "allowed: the container's bounding set holds it (users other than root must be given it, too)\n";
  const auto& sets = asked.spec.process->capabilities;
  const bool given = sets && std::find(sets->bounding.begin(), sets->bounding.end(), full) != sets->bounding.end();
  if (!given) return "refused: process.capabilities of config.json does not give it (EPERM)\n";
  return "refused: process.capabilities of policy " + text::escaped(asked.container.record.policy) +
         " does not list it (EPERM); to allow it, let the operator's policy list \"" + full.substr(4) + "\" there\n";
}

}  // namespace agentsafe::container
