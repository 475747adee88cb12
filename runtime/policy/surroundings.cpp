#include "runtime/policy/surroundings.h"

#include <linux/magic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/policy/sources.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/mount.h"
#include "runtime/sys/process.h"
#include "runtime/sys/quota.h"

namespace agentsafe::policy {
namespace {

// Where engines and the system bus listen; found by inode, so that links, binds and other names of the same socket
// count.
constexpr std::string_view engine_sockets[] = {"/run/docker.sock",
                                               "/run/containerd/containerd.sock",
                                               "/run/crio/crio.sock",
                                               "/run/podman/podman.sock",
                                               "/run/buildkit/buildkitd.sock",
                                               "/run/dbus/system_bus_socket",
                                               "/run/k3s/containerd/containerd.sock",
                                               "/run/docker/containerd/containerd.sock",
                                               "/run/docker/docker.sock"};

std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool same(const struct stat& a, const struct stat& b) { return a.st_dev == b.st_dev && a.st_ino == b.st_ino; }

// What the user who makes the container may not look into, neither he nor the container can reach.
std::optional<struct stat> within_reach(const std::string& path) {
  try {
    return sys::try_fstatat(sys::at_cwd, path, 0);
  } catch (const Error& error) {
    if (error.error_number() != EACCES) throw;
    return std::nullopt;
  }
}

// The known socket that the source is, or holds in its tree.
std::string known_socket_of(const struct stat& source) {
  for (const auto path : engine_sockets) {
    if (!within_reach(std::string(path))) continue;
    for (std::string_view part = path; !part.empty(); part = part.substr(0, part.rfind('/'))) {
      const auto info = within_reach(std::string(part));
      if (info && same(*info, source)) return std::string(path);
    }
    const auto root = within_reach("/");
    if (root && same(*root, source)) return std::string(path);
  }
  return {};
}

// A socket of an engine that listens elsewhere, known by its name: the source itself, or a file in it.
std::string named_socket_of(const std::string& source, const struct stat& info) {
  for (const auto path : engine_sockets) {
    const auto name = name_of(path);
    if (S_ISSOCK(info.st_mode) && name_of(source) == name) return source;
    const auto inside =
        S_ISDIR(info.st_mode) ? within_reach(source + "/" + std::string(name)) : std::optional<struct stat>();
    if (inside && S_ISSOCK(inside->st_mode)) return source + "/" + std::string(name);
  }
  return {};
}

bool is_bind(const oci::Mount& mount) {
  const auto has = [&](const char* word) {
    return std::find(mount.options.begin(), mount.options.end(), word) != mount.options.end();
  };
  return mount.type == "bind" || has("bind") || has("rbind");
}

// config.md#mounts: relative sources of binds count from the bundle.
std::string source_of(const oci::Mount& mount, const std::string& bundle) {
  return mount.source.starts_with('/') ? mount.source : bundle + "/" + mount.source;
}

void look_at_binds(const oci::Spec& spec, const std::string& bundle, Surroundings& around) {
  auto& found = around.sockets;
  for (const auto& mount : spec.mounts) {
    if (!is_bind(mount)) continue;
    const std::string source = source_of(mount, bundle);
    const auto info = sys::try_fstatat(sys::at_cwd, source, 0);
    if (!info) continue;
    if (S_ISCHR(info->st_mode) || S_ISBLK(info->st_mode)) around.device_mounts.push_back(mount.destination);
    std::string socket = known_socket_of(*info);
    if (socket.empty()) socket = named_socket_of(source, *info);
    if (!socket.empty())
      found.push_back({mount.destination, socket, true});
    else if (S_ISSOCK(info->st_mode))
      found.push_back({mount.destination, source, false});
  }
}

bool is_cgroup_v2() {
  struct statfs info {};
  return ::statfs("/sys/fs/cgroup", &info) == 0 && info.f_type == CGROUP2_SUPER_MAGIC;
}

// memory.memsw.limit_in_bytes is missing with swapaccount=0; memory.swap.max too, and without CONFIG_SWAP. The root of
// version 2 has none of it: the cgroups of systemd tell, elsewhere swap that is in use.
bool can_limit_swap() {
  constexpr const char* files[] = {"/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes",
                                   "/sys/fs/cgroup/system.slice/memory.swap.max",
                                   "/sys/fs/cgroup/init.scope/memory.swap.max"};
  const auto is_there = [](const char* file) { return sys::try_fstatat(sys::at_cwd, file).has_value(); };
  if (std::any_of(std::begin(files), std::end(files), is_there)) return true;
  const auto swaps = sys::try_read_file(sys::at_cwd, "/proc/swaps");
  return is_cgroup_v2() && swaps && text::lines(*swaps).size() > 1;
}

// File systems whose mounts can be idmapped, and since which Linux; 5.19 is what an overlay over one needs.
struct Idmappable {
  std::int64_t magic;
  unsigned version;  // major * 1000 + minor
};
constexpr unsigned least_version = 5019;
constexpr Idmappable idmappable[] = {{EXT4_SUPER_MAGIC, least_version},
                                     {XFS_SUPER_MAGIC, least_version},
                                     {BTRFS_SUPER_MAGIC, least_version},
                                     {F2FS_SUPER_MAGIC, least_version},
                                     {TMPFS_MAGIC, 6003}};

unsigned kernel_version() {
  utsname kernel{};
  if (::uname(&kernel) != 0) return 0;
  const auto parts = text::split(kernel.release, '.');
  const auto number = [&](std::size_t at) {
    const auto digits = at < parts.size() ? parts[at].substr(0, parts[at].find_first_not_of("0123456789")) : "";
    return text::parse<unsigned>(digits).value_or(0);
  };
  return number(0) * 1000 + number(1);
}

bool can_be_idmapped(const std::string& path, unsigned kernel) {
  struct statfs info {};
  if (::statfs(path.c_str(), &info) != 0) return true;  // the mount itself will say what is wrong
  return std::any_of(std::begin(idmappable), std::end(idmappable), [&](const Idmappable& row) {
    return row.magic == static_cast<std::int64_t>(info.f_type) && kernel >= row.version;
  });
}

bool is_root_of_host() { return ::geteuid() == 0 && sys::in_initial_user_namespace().value_or(false); }

// Root and binds are idmapped, so that files keep their owners as the container sees them.
std::string why_no_own_ids(const oci::Spec& spec, const std::string& bundle) {
  if (!is_root_of_host()) return "only the host's root can give a container ids of its own";
  const unsigned kernel = kernel_version();
  if (spec.root && !can_be_idmapped(spec.root->path, kernel))
    return "the root file system cannot be idmapped (under Docker it is an overlay mount)";
  for (const auto& mount : spec.mounts) {
    if (!mount.uidMappings.empty() || !mount.gidMappings.empty())
      return "mount " + text::escaped(mount.destination) + " has id mappings of its own";
    if (!is_bind(mount)) continue;
    const std::string source = source_of(mount, bundle);
    const auto info = sys::try_fstatat(sys::at_cwd, source, 0);
    if (info && (S_ISDIR(info->st_mode) || S_ISREG(info->st_mode)) && !can_be_idmapped(source, kernel))
      return "the file system of mount " + text::escaped(mount.destination) + " cannot be idmapped";
  }
  return {};
}

// The folder, or what there is of the path to it.
UniqueFd open_nearest(std::string path) {
  for (;; path = path.substr(0, path.rfind('/')))
    if (UniqueFd fd = sys::maybe_openat(sys::at_cwd, path.empty() ? "/" : path, O_PATH); fd || path.empty()) return fd;
}

// proc_pid_mountinfo(5): id parent major:minor root point options … - type source super-options
std::string place_of(FdRef folder) {
  const std::string id = std::to_string(sys::mount_id(folder));
  const std::string table = sys::read_file(sys::at_cwd, "/proc/self/mountinfo");
  for (const auto line : text::lines(table)) {
    const auto words = text::words(line);
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (words.size() > 5 && words[0] == id && words.end() - dash > 1)
      return "the " + text::escaped(dash[1]) + " file system mounted at " + text::escaped(words[4]);
  }
  return "the file system";
}

// Each with what would help; xfs refuses a change of quotas by remounting.
std::string why_no_project_quota(const std::string& folder) {
  if (!is_root_of_host()) return "only the host's root can set project quotas";
  const UniqueFd nearest = open_nearest(folder);
  if (!nearest) fail_errno("open " + folder);
  if (sys::enforces_projects(nearest)) return {};
  const auto magic = static_cast<std::int64_t>(sys::fstatfs(nearest).f_type);
  std::string_view remedy = "name a folder on ext4 or xfs as scratch_dir in /etc/agentsafe/config.json";
  if (magic == EXT4_SUPER_MAGIC)
    remedy = "run tune2fs -O project,quota on it while it is not mounted, then mount it with prjquota";
  if (magic == XFS_SUPER_MAGIC)
    remedy = "mount it with prjquota (for the root: rootflags=prjquota on the kernel's command line)";
  return folder + " lies on " + place_of(nearest) + ", which enforces no project quotas: " + std::string(remedy);
}

}  // namespace

Surroundings look_around() {
  Surroundings around;
  around.cgroup_v2 = is_cgroup_v2();
  around.limits_swap = can_limit_swap();
  struct rlimit files {};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) around.open_files = files.rlim_max;
  struct sysinfo info {};
  if (::sysinfo(&info) == 0) around.half_memory = static_cast<std::uint64_t>(info.totalram) * info.mem_unit / 2;
  return around;
}

Surroundings look_around(const oci::Spec& spec, const std::string& bundle, const Policy& policy) {
  Surroundings around = look_around();
  around.host_namespaces = oci::host_namespaces(spec);
  look_at_binds(spec, bundle, around);
  around.no_own_ids = why_no_own_ids(spec, bundle);
  if (policy.scratch == "disk") {
    around.scratch_dir = read_operator({}).scratch_dir;
    around.no_disk_scratch = why_no_project_quota(around.scratch_dir);
  }
  return around;
}

}  // namespace agentsafe::policy
