// create and run: from a bundle to a container. What is made is owned from the moment it exists; an error on the way
// undoes all of it, in reverse.
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "oci/annotations.h"
#include "runtime/base/error.h"
#include "runtime/base/scope.h"
#include "runtime/container/container.h"
#include "runtime/container/creation.h"
#include "runtime/container/foreground.h"
#include "runtime/container/handover.h"
#include "runtime/container/hook_output.h"
#include "runtime/container/host_side.h"
#include "runtime/container/id_ranges.h"
#include "runtime/container/init_image.h"
#include "runtime/container/notify.h"
#include "runtime/container/poststart.h"
#include "runtime/container/scratch.h"
#include "runtime/container/userns_hint.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"

namespace agentsafe::container {
namespace {

using process::Kind;

void check_passed_fds(const CreateRequest& request) {
  for (unsigned fd = 3; fd < 3 + request.listen_fds + request.preserve_fds; ++fd)
    if (::fcntl(static_cast<int>(fd), F_GETFD) < 0)
      fail_errno("pass on descriptor " + std::to_string(fd) + " (--preserve-fds or LISTEN_FDS)");
}

// The error, or why an init ended before it could say one.
[[noreturn]] void explain(const Error& error, const Launched& launched, cgroup::Cgroup& cgroup) {
  if (error.error_number() != ECONNRESET && error.error_number() != EPIPE) throw error;
  const auto exit = sys::wait_for(launched.init.pidfd, std::chrono::milliseconds(1000));
  if (exit && exit->signal == SIGKILL && cgroup.oom_kills() > 0)
    fail("container init was OOM-killed (memory limit too low?)");
  if (exit) fail(std::string(error.what()) + " (the init ended with status " + std::to_string(exit->status()) + ")");
  throw error;
}

// The effects that exist beside the folder, the cgroup and the init; each undoes itself.
struct Prepared {
  std::vector<UniqueFd> joined;
  std::vector<UniqueFd> sources;
  UniqueFd fifo;
  UniqueFd user_namespace;
  UniqueFd scratch;
  HookOutput hook_output;
};

Prepared prepare(Creation& creation, Container& container) {
  auto& plan = creation.plan;
  auto& dir = container.dir;
  Prepared prepared;
  const oci::Linux no_linux;
  const auto& spec = creation.bundle.spec;
  prepared.joined = namespaces::open_joined(plan.init.namespaces, spec.linux ? *spec.linux : no_linux);
  prepared.sources = mount::open_sources(*plan.init.rootfs);
  if (plan.init.mode == plan::Mode::create) {
    dir.make_fifo(plan.root_uid, plan.root_gid);
    prepared.fifo = sys::openat(dir.fd(), "exec.fifo", O_PATH | O_NOFOLLOW);
    plan.init.exec_fifo = prepared.fifo.get();
  }
  if (!creation.request.notify_socket.empty()) prepare_notify(dir.path());
  if (plan.own_ids) {
    prepared.user_namespace = make_user_namespace(plan.root_uid);
    plan.init.user_namespace = plan.init.rootfs->idmap_fd = prepared.user_namespace.get();
  }
  if (!container.record.scratch.empty()) {
    prepared.scratch = mount::open_scratch(container.record.scratch);
    plan.init.rootfs->scratch_fd = prepared.scratch.get();
  }
  prepared.hook_output = open_hook_output(spec);
  for (auto* hooks :
       {&plan.prestart, &plan.create_runtime, &plan.init.create_container_hooks, &plan.init.start_container_hooks})
    prepared.hook_output.redirect(*hooks);
  return prepared;
}

LaunchSetting setting_for(const Creation& creation, const Prepared& prepared, const cgroup::Join& join,
                          cgroup::Cgroup& cgroup, process::Ahead& ahead) {
  LaunchSetting setting;
  setting.ahead = &ahead;
  setting.log = creation.runtime.log;
  setting.cgroup_fd = join.directory.get();
  setting.is_fresh = true;
  if (cgroup.is_joined_by_add()) setting.attach = [&](pid_t pid) { cgroup.add(pid); };
  setting.id_maps = creation.plan.id_maps;
  setting.privileged = sys::effective_uid() == 0;  // also in a user namespace: its root may map what it has itself
  for (unsigned fd = 3; fd < creation.plan.init.keep_fds; ++fd) setting.inherit.push_back(static_cast<int>(fd));
  for (const auto& fd : prepared.joined) setting.inherit.push_back(fd.get());
  for (const auto& fd : prepared.sources) setting.inherit.push_back(fd.get());
  if (prepared.user_namespace) setting.inherit.push_back(prepared.user_namespace.get());
  if (prepared.scratch) setting.inherit.push_back(prepared.scratch.get());
  if (prepared.fifo) setting.inherit.push_back(prepared.fifo.get());
  for (const auto* fd : {&prepared.hook_output.output, &prepared.hook_output.error})
    if (*fd) setting.inherit.push_back(fd->get());
  return setting;
}

Handover handover_for(const Creation& creation, const Container& container) {
  const auto& spec = creation.bundle.spec;
  return {.confinement = creation.plan.init.confinement,
          .oom_score_adj = creation.plan.oom_score_adj,
          .console_socket = creation.request.console_socket,
          .pidfd_socket = creation.request.pidfd_socket.empty()
                              ? oci::annotation::text(spec, oci::annotation::pidfd_receiver)
                              : creation.request.pidfd_socket,
          .seccomp = spec.linux && spec.linux->seccomp ? &*spec.linux->seccomp : nullptr,
          .state = oci_state(container.record, Status::creating)};
}

void take_ids(Creation& creation, Container& container) {
  const auto first = take_id_range(id_registry, allowed_ids(), container.dir.path());
  container.record.firstId = first;
  plan::shift_ids(creation.plan, first);
}

void take_disk(const Creation& creation, Container& container) {
  const auto& plan = creation.plan;
  container.record.scratch = take_scratch(plan.scratch_dir, container.dir.path(),
                                          {plan.init.rootfs->scratch_size, mount::scratch_inodes, plan.root_uid});
}

struct Built {
  Container container;
  Launched launched;
  UniqueFd console;
};

// While the init mounts; committed when it is ready.
void stage_record(Container& container, FdRef init) {
  remember_init(container.record, init);
  container.dir.stage(container.record);
}

// Everything up to where the init waits for `start` (create) or runs the user's program (run).
Built build(Creation& creation, process::Ahead& ahead, std::optional<NotifySocket>& notify) {
  auto& runtime = creation.runtime;
  Record record = first_record(creation);
  auto cgroup = cgroup::open_cgroup(record.cgroup, runtime.session_bus);
  Container container{Store(runtime.root).create(creation.request.id), std::move(record), std::move(cgroup)};
  OnExit remove_dir([&] {
    release_scratch(container);
    release_ids(container);
    container.dir.remove();
  });
  if (creation.plan.own_ids) take_ids(creation, container);
  if (!creation.plan.scratch_dir.empty()) take_disk(creation, container);
  container.dir.save_config(creation.bundle.text);
  // Before the first effect: delete can clean up after a kill -9 of us.
  container.record.cgroupIsOurs = false;
  container.dir.save(container.record);
  remove_dir.keep();
  OnExit destroy_all([&] { destroy(runtime, container, creation.bundle.spec); });

  container.cgroup->create();
  container.record.cgroupIsOurs = true;  // saved when the init is ready; until then delete removes it if it is empty
  const cgroup::Join join = container.cgroup->join();
  creation.plan.init.cgroup_join_files = join.files;
  const Prepared prepared = prepare(creation, container);
  if (!creation.plan.init.terminal) give_stdio_to(creation.plan.user_uid);
  runtime.log->debug("the state is in " + container.dir.path() + ", the cgroup is made");
  Launched launched = in_context(not_started, [&] {
    return launch(creation.plan.init, setting_for(creation, prepared, join, *container.cgroup, ahead));
  });
  runtime.log->debug("the init is process " + std::to_string(launched.init.pid));
  OnExit end_init([&] { abandon(launched.init); });
  container.record.pid = launched.init.pid;
  UniqueFd console;
  net::MovedDevices moved;
  try {
    set_up_network(creation, launched.init.pid, container, moved);
    set_up_cgroup(creation, launched.init.pid, container);
    stage_record(container, launched.init.pidfd);
    if (creation.plan.init.waits_when_mounted) {
      launched.channel.expect(Kind::mounted);
      limit_devices(creation, container);
      run_host_hooks(creation, container.record);
      launched.channel.send(Kind::proceed);
    }
    if (creation.plan.init.mode == plan::Mode::run && !creation.request.notify_socket.empty())
      notify.emplace(NotifySocket::open(container.dir.path(), creation.request.notify_socket));
    console = hand_over(launched, handover_for(creation, container), [&] {
      if (!creation.plan.init.waits_when_mounted) limit_devices(creation, container);
      if (creation.plan.resources) container.cgroup->apply_memory(*creation.plan.resources);
      container.dir.commit();
    });
    launched.channel.expect(Kind::created);
    if (creation.plan.init.mode == plan::Mode::run) await_execution(launched);
  } catch (const Error& error) {
    in_context(not_started, [&] { explain(error, launched, *container.cgroup); });
  }
  write_pid_file(creation.request.pid_file, launched.init.pid);
  moved.keep();
  end_init.keep();
  container.cgroup->keep();
  destroy_all.keep();
  for (const auto& warning : launched.channel.take_warnings()) runtime.log->warning(warning);
  return {std::move(container), std::move(launched), std::move(console)};
}

Built build_or_explain(Creation& creation, process::Ahead& ahead, std::optional<NotifySocket>& notify) {
  try {
    return build(creation, ahead, notify);
  } catch (const Error& error) {
    if ((creation.plan.init.namespaces.create & CLONE_NEWUSER) == 0) throw;
    const auto hint = userns_hint(error.error_number(), userns_restriction());
    if (hint.empty()) throw;
    throw Error(error.message() + hint, error.error_number());
  }
}

void show(const Creation& creation) { sys::write_all(FdRef(STDOUT_FILENO), dry_run_text(creation)); }

}  // namespace

void create(Runtime& runtime, const CreateRequest& request) {
  check_passed_fds(request);
  if (request.dry_run) return show(plan_creation(runtime, request, plan::Mode::create));
  process::Ahead ahead(init_image());
  Creation creation = plan_creation(runtime, request, plan::Mode::create, &ahead);
  check_terminal(creation, true);
  if (!request.no_subreaper) sys::set_child_subreaper(true);
  std::optional<NotifySocket> opened_by_start;
  build_or_explain(creation, ahead, opened_by_start);
}

int run(Runtime& runtime, const RunRequest& request) {
  check_passed_fds(request);
  if (request.dry_run) return show(plan_creation(runtime, request, plan::Mode::run)), 0;
  process::Ahead ahead(init_image());
  Creation creation = plan_creation(runtime, request, plan::Mode::run, &ahead);
  check_terminal(creation, request.detach);
  if (!request.no_subreaper) sys::set_child_subreaper(true);
  std::optional<Foreground> foreground;
  if (!request.detach) {
    foreground.emplace();
    if (creation.plan.init.terminal)
      size_like_callers(creation.plan.init.console_height, creation.plan.init.console_width);
  }
  std::optional<NotifySocket> notify;
  Built built = build_or_explain(creation, ahead, notify);
  run_poststart_hooks(runtime, built.container, creation.bundle.spec);
  if (request.detach) {
    if (notify) notify->relay(built.launched.init.pidfd, built.launched.init.pid);
    return 0;
  }
  OnExit destroy_failed([&] { destroy(runtime, built.container, creation.bundle.spec); });
  const int status = foreground->wait(built.launched.init.pidfd, built.launched.init.pid, std::move(built.console),
                                      notify ? &*notify : nullptr);
  destroy_failed.keep();
  if (!request.keep) destroy(runtime, built.container, creation.bundle.spec);
  return status;
}

}  // namespace agentsafe::container
