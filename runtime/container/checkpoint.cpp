// checkpoint: has criu write a running container to files. What criu cannot see for itself it is told: which mounts,
// namespaces and pipes come from outside. Source: runc's checkpoint, criu(8).
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/container/checkpoint_images.h"
#include "runtime/container/container.h"
#include "runtime/container/criu_folders.h"
#include "runtime/criu/session.h"
#include "runtime/mount/in_root.h"
#include "runtime/mount/mount_table.h"
#include "runtime/policy/harden.h"
#include "runtime/sys/fd.h"

namespace agentsafe::container {
namespace {

using criu::Request;

std::string process_path(pid_t pid, const std::string& below) { return "/proc/" + std::to_string(pid) + "/" + below; }

// As it was created: config.json, under the policy that was in force.
oci::Spec effective_spec(const Container& container) {
  oci::Spec spec = container.dir.load_config();
  const policy::Policy policy = policy_of(container.record);
  if (policy == policy::Policy{}) return spec;
  auto hardened = policy::harden(spec, policy, policy::look_around(spec, container.record.bundle, policy));
  check_restorable(hardened, container.record.policy);
  return std::move(hardened.spec);
}

mount::RootfsPlan planned_mounts(const Container& container, const oci::Spec& spec) {
  std::vector<std::string> warnings;  // create has given them
  mount::Facts facts;
  facts.cgroups = container.record.cgroup;
  const oci::Linux no_linux;
  for (const auto& ns : (spec.linux ? *spec.linux : no_linux).namespaces) {
    if (ns.type == "user" && ns.path.empty()) facts.new_user_namespace = true;
    if (ns.type == "cgroup" && ns.path.empty()) facts.new_cgroup_namespace = true;
  }
  return mount::plan_rootfs(spec, facts, warnings);
}

// criu goes by the mount table, which has no links in it.
void name_mounts(criu::Options& options, const Container& container, const mount::RootfsPlan& plan) {
  const UniqueFd root = sys::openat(sys::at_cwd, process_path(container.record.pid, "root"), O_PATH | O_DIRECTORY);
  const auto add = [&](FdRef place, const std::string& name) {
    options.external_mounts.emplace_back(sys::readlinkat(sys::at_cwd, sys::proc_path(place)), name);
  };
  for (const auto& external : external_mounts(plan, container.dir.path()))
    if (const UniqueFd place = mount::try_open_in_root(root, external.destination)) add(place, external.destination);
  for (const auto& path : plan.masked_paths) {
    const UniqueFd place = mount::try_open_in_root(root, path);
    if (place && sys::fstat(place).st_rdev == makedev(1, 3)) add(place, "/dev/null");
  }
}

void name_namespaces(criu::Options& options, const oci::Spec& spec) {
  if (!spec.linux) return;
  for (const auto& ns : spec.linux->namespaces) {
    const std::string name = external_namespace(ns.type);
    if (ns.path.empty() || name.empty()) continue;
    const auto info = sys::try_fstatat(sys::at_cwd, ns.path, 0);
    if (!info) fail("the " + ns.type + " namespace " + ns.path + " is missing (ENOENT)");
    options.external.push_back((ns.type == "network" ? "net[" : "pid[") + std::to_string(info->st_ino) + "]:" + name);
  }
}

void name_freezer(criu::Options& options, const cgroup::CgroupPlan& cgroup) {
  if (cgroup.v1.empty() && cgroup.unified) options.freeze_cgroup = cgroup.unified->directory();
  for (const auto& place : cgroup.v1)
    for (const auto& controller : place.controllers)
      if (controller == "freezer") options.freeze_cgroup = place.directory();
}

std::vector<std::string> standard_streams(Container& container) {
  std::vector<std::string> init;
  for (const char* const number : {"fd/0", "fd/1", "fd/2"})
    init.push_back(sys::try_readlinkat(sys::at_cwd, process_path(container.record.pid, number)).value_or(""));
  std::vector<HeldPipe> pipes;
  for (const pid_t pid : container.cgroup->pids()) {
    const auto more = held_pipes(pid);
    pipes.insert(pipes.end(), more.begin(), more.end());
  }
  return external_descriptors(std::move(init), pipes);
}

// A regular file on a mount that the container does not have: criu would refuse it in other words, or, once it has
// grown, when it is too late.
bool is_file_of_host(pid_t pid, const std::string& number) {
  const auto info = sys::try_fstatat(sys::at_cwd, process_path(pid, "fd/" + number), 0);
  const auto fdinfo = sys::try_read_file(sys::at_cwd, process_path(pid, "fdinfo/" + number));
  if (!info || !S_ISREG(info->st_mode) || !fdinfo) return false;
  std::optional<std::uint64_t> mount;
  for (const auto line : text::lines(*fdinfo))
    if (line.starts_with("mnt_id:")) mount = text::parse<std::uint64_t>(text::trim(line.substr(7)));
  const std::string table = sys::read_file(sys::at_cwd, process_path(pid, "mountinfo"));
  const auto mounts = mount::parse_mount_table(table);
  return mount && std::none_of(mounts.begin(), mounts.end(), [&](const auto& row) { return row.id == *mount; });
}

void write_our_images(FdRef images, Container& container) {
  const auto streams = standard_streams(container);
  for (std::size_t fd = 0; fd < streams.size(); ++fd)
    if (is_file_of_host(container.record.pid, std::to_string(fd)))
      fail("standard stream " + std::to_string(fd) + " of the container is a file of the host (" + streams[fd] +
           "), which criu cannot restore: start the container with a pipe or a terminal instead");
  sys::replace_file(images, descriptors_file, descriptors_json(streams), 0600);
  const Provenance provenance{.policy = container.record.policy, .effectivePolicy = container.record.effectivePolicy};
  sys::replace_file(images, provenance_file, to_json(provenance), 0600);
}

void check_parent(FdRef images, const std::string& parent) {
  if (parent.starts_with('/')) fail("--parent-path must be relative (to --image-path)");
  const auto info = sys::try_fstatat(images, parent, 0);
  if (!info) fail("invalid --parent-path " + parent + ": missing (ENOENT)");
  if (!S_ISDIR(info->st_mode)) fail("invalid --parent-path " + parent + ": not a directory");
}

void check_status_fd(int fd) {
  if (fd < 0) return;
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0) fail_errno("invalid --status-fd argument " + std::to_string(fd));
  if ((flags & O_ACCMODE) == O_RDONLY) fail("invalid --status-fd argument " + std::to_string(fd) + ": not writable");
}

void check_features(const std::string& program, const CheckpointRequest& request) {
  if (!request.pre_dump && !request.options.lazy_pages) return;
  const auto answer = criu::Session(program, {.path = request.path}).request(criu::encode_feature_check());
  if (request.pre_dump && !answer.tracks_memory)
    fail("--pre-dump: criu says that this kernel does not track memory (CONFIG_MEM_SOFT_DIRTY); leave it out");
  if (request.options.lazy_pages && !answer.has_lazy_pages)
    fail("--lazy-pages: criu says that this kernel has no userfaultfd of the kind it needs; leave it out");
}

void report_ready(int status_fd) {
  if (status_fd < 0) return;
  const UniqueFd fd(status_fd);
  sys::write_all(fd, std::string_view("\0", 1));
}

}  // namespace

void checkpoint(Runtime& runtime, const CheckpointRequest& request) {
  Container container = lock_container(runtime, request.id);
  container.require(Operation::checkpoint);
  if (container.record.hostsMounts) fail("checkpoint: the container has no mount namespace, and criu goes by those");
  const std::string program = criu_program(request);
  check_status_fd(request.status_fd);
  const oci::Spec spec = effective_spec(container);
  const auto mounts = planned_mounts(container, spec);
  check_features(program, request);

  const CriuFolders folders = make_folders(request);
  criu::Options options = request.options;
  folders.name_in(options, dump_log);
  options.config_file = config_file(spec, container.record);
  options.pid = container.record.pid;
  options.root = container.record.rootfs;
  options.empty_namespaces = CLONE_NEWNET;  // network devices are made anew by hooks or engines
  name_namespaces(options, spec);
  name_freezer(options, container.record.cgroup);
  if (!request.parent_path.empty()) {
    check_parent(folders.images, request.parent_path);
    options.parent_images = request.parent_path;
  }
  options.track_memory = request.pre_dump || !request.parent_path.empty();
  if (!request.pre_dump) {
    name_mounts(options, container, mounts);
    write_our_images(folders.images, container);
  }
  const Request type = request.pre_dump ? Request::pre_dump : Request::dump;
  criu::Session session(program, {.path = request.path});
  const auto answer = session.request(criu::encode_request(type, &options), [&](const auto& notification, auto&) {
    if (notification.script == "status-ready") report_ready(request.status_fd);
  });
  if (!answer.success) fail(criu_failure(answer, folders.log_path));
  if (!options.leave_running && !request.pre_dump) destroy(runtime, container, spec);
}

}  // namespace agentsafe::container
