// restore: a container out of the files that checkpoint wrote. criu makes its processes; everything around them is made
// as by create, and is in force before criu lets them go on (its notifications "setup-namespaces" and "post-restore").
// criu is our child and runs in a mount namespace of its own, the restored init becomes our child too (rst_sibling): a
// detached one is handed to the subreaper above us, as after create.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "runtime/base/error.h"
#include "runtime/base/scope.h"
#include "runtime/base/text.h"
#include "runtime/container/checkpoint_images.h"
#include "runtime/container/creation.h"
#include "runtime/container/criu_folders.h"
#include "runtime/container/fd_socket.h"
#include "runtime/container/foreground.h"
#include "runtime/container/handover.h"
#include "runtime/container/host_side.h"
#include "runtime/container/notify.h"
#include "runtime/container/restored_check.h"
#include "runtime/criu/session.h"
#include "runtime/mount/in_root.h"
#include "runtime/net/inside.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/mount.h"

namespace agentsafe::container {
namespace {

using criu::Request;
using mount::StepKind;

// A checkpoint must not bring a container back under less than it ran under, nor one whose confinement is unknown.
void check_provenance(FdRef images, const Creation& creation) {
  Provenance made;
  if (const auto text = sys::try_read_file(images, provenance_file))
    made = in_context(std::string("the checkpoint's ") + provenance_file, [&] { return read_provenance(*text); });
  else
    made.policy = "oci";
  const bool bounded = creation.policy.policy != policy::Policy{};
  const std::string now = bounded ? policy::to_json(creation.policy.policy) : std::string();
  if (now == made.effectivePolicy) return;
  fail("the checkpoint was made under policy " + made.policy +
       (made.policy == creation.policy.name ? " of other content" : "") + ", not under " + creation.policy.name +
       ": it holds processes that are confined as that one says; restore with the same policy");
}

bool is_below_tmpfs(const std::string& path, const std::vector<mount::MountStep>& steps) {
  return std::any_of(steps.begin(), steps.end(), [&](const auto& step) {
    return step.kind == StepKind::filesystem && step.type == "tmpfs" && path.starts_with(step.destination + "/");
  });
}

bool is_directory(const mount::MountStep& step) {
  if (step.kind != StepKind::bind) return true;
  const auto info = sys::try_fstatat(sys::at_cwd, step.source, 0);
  if (!info) fail("the source " + step.source + " is missing (ENOENT)");
  return S_ISDIR(info->st_mode);
}

// The places to mount on, as create would make them in the root file system; binds are made for as long as that takes,
// as some places lie in them. What is on a tmpfs comes with the checkpoint.
void make_mount_points(FdRef root, const std::vector<mount::MountStep>& steps) {
  const sys::NoUmask no_umask;
  std::vector<std::string> bound;
  for (const auto& step : steps) {
    const bool makes_place = step.kind == StepKind::filesystem || step.kind == StepKind::bind;
    if (!makes_place || is_below_tmpfs(step.destination, steps)) continue;
    in_context("mount " + step.destination, [&] {
      const auto kind = is_directory(step) ? mount::TargetKind::directory : mount::TargetKind::file;
      const auto target = mount::make_target(root, step.destination, kind);
      if (step.kind != StepKind::bind) return;
      sys::mount(step.source, sys::proc_path(target.fd), "", MS_BIND | MS_REC, "");
      bound.push_back(step.destination);
    });
  }
  for (auto path = bound.rbegin(); path != bound.rend(); ++path)
    sys::umount(sys::proc_path(mount::open_in_root(root, *path)), MNT_DETACH);
}

// criu wants a mount point as the root, and nothing mounted over what is above it. It makes copies of this mount and of
// that of the null device: what they must be in the container, they are here already.
void prepare_root(const mount::RootfsPlan& plan, const std::string& state_dir) {
  const std::string root = state_dir + "/criu-root";
  const std::string null = state_dir + "/criu-null";
  sys::mount(plan.path, root, "", MS_BIND | MS_REC, "");
  make_mount_points(sys::openat(sys::at_cwd, root, O_PATH | O_DIRECTORY), plan.mounts);
  if (plan.readonly) sys::mount_setattr(sys::at_cwd, root, {.set = MOUNT_ATTR_RDONLY}, false);
  sys::mount("/dev/null", null, "", MS_BIND, "");
  sys::mount_setattr(sys::at_cwd, null, {.set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC}, false);
}

class Restoration {
 public:
  Restoration(Creation& creation, const RestoreRequest& request)
      : creation_(creation),
        request_(request),
        program_(criu_program(request.criu)),
        folders_(open_folders(request.criu)),
        container_{Store(creation.runtime.root).create(request.id), first_record(creation), nullptr} {
    container_.cgroup = cgroup::open_cgroup(container_.record.cgroup, creation_.runtime.session_bus);
  }

  // On failure nothing is left of it.
  void make() {
    OnExit remove_dir([&] { container_.dir.remove(); });
    container_.record.restored = true;
    container_.record.cgroupIsOurs = false;
    container_.dir.save_config(creation_.bundle.text);
    container_.dir.save(container_.record);
    remove_dir.keep();
    OnExit destroy_all([&] { destroy(creation_.runtime, container_, creation_.bundle.spec); });
    OnExit end_init([&] { end(); });
    container_.cgroup->create();
    container_.record.cgroupIsOurs = true;
    run_criu();
    write_pid_file(request_.pid_file, container_.record.pid);
    moved_.keep();
    end_init.keep();
    container_.cgroup->keep();
    destroy_all.keep();
  }
  [[nodiscard]] Container& container() { return container_; }
  [[nodiscard]] FdRef init() const { return init_; }
  [[nodiscard]] UniqueFd take_console() { return std::move(console_); }

 private:
  void run_criu();
  [[nodiscard]] criu::Options options_for(const std::string& root);
  void name_namespaces(criu::Options& options);
  void name_mounts(criu::Options& options) const;
  void notified(const criu::Answer& notification, std::vector<UniqueFd>& fds);
  void namespaces_are_there(pid_t pid);
  void processes_are_there(pid_t pid);
  void processes_are_whole();
  void take_terminal(UniqueFd master);
  void end() noexcept;

  Creation& creation_;
  const RestoreRequest& request_;
  std::string program_;
  CriuFolders folders_;
  Container container_;
  std::vector<UniqueFd> joined_;
  net::MovedDevices moved_;
  UniqueFd init_;
  UniqueFd console_;
};

void Restoration::name_namespaces(criu::Options& options) {
  constexpr std::pair<const char*, const char*> names[] = {
      {"ipc", "ipc"}, {"uts", "uts"}, {"user", "user"}, {"time", "time"}};
  const auto& spec = creation_.bundle.spec;
  if (!spec.linux) return;
  joined_ = namespaces::open_joined(creation_.plan.init.namespaces, *spec.linux);
  std::size_t at = 0;
  for (const auto& ns : spec.linux->namespaces) {
    if (ns.path.empty()) continue;
    const int fd = joined_[at++].get();
    if (const auto name = external_namespace(ns.type); !name.empty()) {
      options.inherited_fds.emplace_back(name, fd);
      continue;
    }
    const auto known =
        std::find_if(std::begin(names), std::end(names), [&](const auto& row) { return ns.type == row.first; });
    if (known == std::end(names)) fail("criu cannot restore into a joined " + ns.type + " namespace");
    options.join_namespaces.emplace_back(known->second, ns.path);
  }
}

void Restoration::name_mounts(criu::Options& options) const {
  for (const auto& mount : external_mounts(*creation_.plan.init.rootfs, container_.dir.path()))
    options.external_mounts.emplace_back(mount.destination, mount.source);
  options.external_mounts.emplace_back("/dev/null", container_.dir.path() + "/criu-null");  // masked files
}

// Whatever the images say: the container's cgroup is the one we have made, in which criu runs.
void name_cgroups(criu::Options& options, pid_t criu) {
  const std::string cgroups = sys::read_file(sys::at_cwd, "/proc/" + std::to_string(criu) + "/cgroup");
  for (const auto line : text::lines(cgroups)) {  // 4:cpu,cpuacct:/web
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string path(line.substr(second + 1));
    const auto controllers = line.substr(first + 1, second - first - 1);
    if (controllers.empty()) options.cgroup_roots.emplace_back("", path);
    for (const auto controller : text::split(controllers, ',')) options.cgroup_roots.emplace_back(controller, path);
  }
}

criu::Options Restoration::options_for(const std::string& root) {
  criu::Options options = request_.criu.options;
  options.config_file = config_file(creation_.bundle.spec, container_.record);
  options.root = root;
  options.evasive_devices = true;
  options.restore_as_sibling = true;
  options.empty_namespaces = CLONE_NEWNET;
  name_namespaces(options);
  name_mounts(options);
  const auto descriptors = sys::try_read_file(folders_.images, descriptors_file);
  if (!descriptors)
    fail("there is no checkpoint in " + request_.criu.image_path + ": " + descriptors_file + " is missing (ENOENT)");
  for (auto& pipe : in_context(descriptors_file, [&] { return inherited_pipes(*descriptors); }))
    options.inherited_fds.push_back(std::move(pipe));
  return options;
}

void Restoration::run_criu() {
  const std::string root = container_.dir.path() + "/criu-root";
  sys::mkdirat(container_.dir.fd(), "criu-root", 0755);
  (void)sys::openat(container_.dir.fd(), "criu-null", O_WRONLY | O_CREAT | O_EXCL, 0600);
  prepare_notify(container_.dir.path());
  const cgroup::Join join = container_.cgroup->join();
  criu::Options options = options_for(root);
  if (!creation_.plan.init.terminal) give_stdio_to(creation_.plan.user_uid);
  criu::Setting setting{.path = request_.criu.path,
                        .cgroup_fd = join.directory.get(),
                        .cgroup_files = join.files,
                        .keeps_stdio = true,
                        .prepare_mounts = [&] { prepare_root(*creation_.plan.init.rootfs, container_.dir.path()); }};
  for (const auto& fd : joined_) setting.inherit.push_back(fd.get());
  criu::Session session(program_, setting);
  if (container_.cgroup->is_joined_by_add()) container_.cgroup->add(session.pid());
  limit_devices(creation_, container_);
  name_cgroups(options, session.pid());
  CriuFolders seen_by_criu{session.open_inside(folders_.images), {}, {}, {}};
  if (folders_.work) seen_by_criu.work = session.open_inside(folders_.work);
  seen_by_criu.name_in(options, restore_log);
  const auto answer = session.request(criu::encode_request(Request::restore, &options),
                                      [&](const auto& notification, auto& fds) { notified(notification, fds); });
  if (!answer.success) fail(criu_failure(answer, folders_.log_path));
  if (container_.record.startTime == 0) fail("criu did not say which process it has restored");
  sys::unlinkat(container_.dir.fd(), "criu-root", AT_REMOVEDIR);
  sys::unlinkat(container_.dir.fd(), "criu-null");
}

void Restoration::notified(const criu::Answer& notification, std::vector<UniqueFd>& fds) {
  if (notification.script == "setup-namespaces") namespaces_are_there(notification.pid);
  if (notification.script == "post-restore") processes_are_there(notification.pid);
  if (notification.script == "pre-resume") processes_are_whole();
  if (notification.script == "orphan-pts-master" && !fds.empty()) take_terminal(std::move(fds.front()));
}

// The init is there, in its namespaces, and has run nothing.
void Restoration::namespaces_are_there(pid_t pid) {
  init_ = sys::pidfd_open(pid);
  container_.record.pid = pid;
  set_up_network(creation_, pid, container_, moved_);
  if (creation_.plan.init.namespaces.loopback_up) {
    namespaces::NamespacePlan loopback;
    loopback.loopback_up = true;
    const UniqueFd netns = sys::openat(sys::at_cwd, "/proc/" + std::to_string(pid) + "/ns/net", O_RDONLY);
    (void)net::inside(netns, [&] {
      namespaces::set_up(loopback);
      return std::string();
    });
  }
  if (creation_.plan.init.waits_when_mounted) run_host_hooks(creation_, container_.record);
}

// All processes are there and stand still.
void Restoration::processes_are_there(pid_t pid) {
  if (pid != container_.record.pid) fail("criu names another init than before");
  set_up_cgroup(creation_, pid, container_);
  if (creation_.plan.resources) container_.cgroup->apply_memory(*creation_.plan.resources);
  remember_init(container_.record, init_);
  container_.dir.save(container_.record);
}

// They have their credentials and filters, and still stand still. criu does not ask whether they may go on: if they
// may not, all end, and criu, which is in their cgroup, with them.
void Restoration::processes_are_whole() {
  if (creation_.policy.policy == policy::Policy{}) return;
  OnExit kill_all([&] { container_.cgroup->kill_all(SIGKILL); });
  check_restored(creation_.plan, container_);
  kill_all.keep();
}

void Restoration::take_terminal(UniqueFd master) {
  if (request_.console_socket.empty())
    console_ = std::move(master);
  else
    send_fd(request_.console_socket, "/dev/pts/ptmx", master);
}

void Restoration::end() noexcept {
  if (init_) abandon({container_.record.pid, std::move(init_)});
}

}  // namespace

int restore(Runtime& runtime, const RestoreRequest& request) {
  Creation creation = plan_creation(runtime, request, plan::Mode::run);
  if (creation.plan.init.rootfs->hosts_mounts)
    fail("restore: the container has no mount namespace, and criu goes by those");
  check_terminal(creation, request.detach);
  std::optional<Foreground> foreground;
  if (!request.detach) foreground.emplace();
  if (!request.no_subreaper) sys::set_child_subreaper(true);
  (void)criu_program(request.criu);  // the first thing to say
  check_provenance(open_folders(request.criu).images, creation);
  check_restorable(creation.hardened, creation.policy.name);
  Restoration restoration(creation, request);
  restoration.make();
  if (request.detach) return 0;
  Container& container = restoration.container();
  OnExit destroy_failed([&] { destroy(runtime, container, creation.bundle.spec); });
  const int status = foreground->wait(restoration.init(), container.record.pid, restoration.take_console());
  destroy_failed.keep();
  destroy(runtime, container, creation.bundle.spec);
  return status;
}

}  // namespace agentsafe::container
