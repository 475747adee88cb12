// Host side: what of the mounts needs the privileges of the host.
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/utsname.h>

#include <cerrno>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/mount/detached_mount.h"
#include "runtime/mount/mount_table.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/mount.h"
#include "runtime/sys/process.h"

namespace agentsafe::mount {
namespace {

std::string map_text(const std::vector<oci::IdMapping>& map) {
  std::string text;
  for (const auto& row : map)
    text += std::to_string(row.containerID) + " " + std::to_string(row.hostID) + " " + std::to_string(row.size) + "\n";
  return text;
}

struct NamedNamespace {  // mounts with the same map share one
  const MountStep* step = nullptr;
  UniqueFd fd;
};

bool has_same_map(const MountStep& a, const MountStep& b) {
  return map_text(a.uid_map) == map_text(b.uid_map) && map_text(a.gid_map) == map_text(b.gid_map) &&
         a.idmap_namespace == b.idmap_namespace;
}

FdRef user_namespace_for(const MountStep& step, std::vector<NamedNamespace>& made) {
  for (const auto& known : made)
    if (has_same_map(*known.step, step)) return known.fd;
  NamedNamespace fresh{&step, {}};
  if (!step.idmap_namespace.empty()) {
    fresh.fd = sys::openat(sys::at_cwd, step.idmap_namespace, O_RDONLY);
  } else {
    if (step.uid_map.empty() || step.gid_map.empty())
      fail("an idmapped mount needs both uidMappings and gidMappings, or a user namespace of the container");
    fresh.fd = in_context("make a user namespace with its maps", [&] { return sys::user_namespace(map_text(step.uid_map), map_text(step.gid_map)); });
  }
  return made.emplace_back(std::move(fresh)).fd;
}

// The name of the file system that the source lies on, for the error text.
std::string type_of(const MountStep& step) {
  const UniqueFd source = sys::maybe_openat(sys::at_cwd, step.source, O_PATH);
  const std::string table = sys::read_file(sys::at_cwd, "/proc/self/mountinfo");
  if (!source) return "unknown";
  const auto id = sys::mount_id(source);
  for (const auto& line : parse_mount_table(table))
    if (line.id == id) return text::escaped(line.type);
  return "unknown";
}

void idmap(FdRef tree, const MountStep& step, FdRef userns) {
  try {
    sys::mount_setattr(tree, {.set = MOUNT_ATTR_IDMAP, .userns_fd = userns.get()}, step.idmap_recursive);
  } catch (const Error& error) {
    if (error.error_number() != EINVAL) throw;
    utsname kernel{};
    ::uname(&kernel);
    throw Error("idmap " + text::escaped(step.source) + ": the file system does not support idmapped mounts (" +
                    type_of(step) + ", Linux " + kernel.release + ")",
                EINVAL);
  }
}

UniqueFd open_source(const MountStep& step, std::vector<NamedNamespace>& namespaces) {
  UniqueFd tree = clone_source(step);
  if (step.idmapped) idmap(tree, step, user_namespace_for(step, namespaces));
  set_attributes(tree, step);
  return tree;
}

}  // namespace

UniqueFd open_scratch(const std::string& folder) {
  UniqueFd tree = sys::clone_tree(sys::at_cwd, folder, false);
  sys::mount_setattr(tree, {.set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, .propagation = MS_PRIVATE}, false);
  return tree;
}

std::vector<UniqueFd> open_sources(RootfsPlan& plan) {
  std::vector<UniqueFd> owners;
  std::vector<NamedNamespace> namespaces;
  for (auto& step : plan.mounts) {
    const bool on_host = step.idmapped || plan.binds_on_host;
    if (step.kind != StepKind::bind || !on_host || step.copy_symlink) continue;
    in_context(failure_of(step), [&] {
      owners.push_back(open_source(step, namespaces));
      step.source_fd = owners.back().get();
    });
  }
  return owners;
}

}  // namespace agentsafe::mount
