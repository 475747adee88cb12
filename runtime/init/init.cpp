#include "runtime/init/init.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "runtime/base/error.h"
#include "runtime/cgroup/join.h"
#include "runtime/init/program.h"
#include "runtime/mount/console.h"
#include "runtime/mount/procfs.h"
#include "runtime/mount/rootfs.h"
#include "runtime/process/hooks.h"
#include "runtime/security/apply.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"
#include "runtime/sys/signal.h"

namespace agentsafe::init {
namespace {

using process::Kind;

struct Init {
  const plan::InitPlan& plan;
  process::Channel& channel;
  UniqueFd proc;                        // private procfs of the container's pid namespace
  std::optional<mount::Rootfs> rootfs;  // create and run
  std::vector<UniqueFd> for_parent;     // descriptors that go with Ready: the console's master
  std::vector<std::string> env;
  std::string program;
  std::uint64_t ignored_signals = 0;  // by whoever called the runtime, and by the runtime
};

void guard_process(Init&) {
  sys::set_dumpable(false);               // nothing inside may look into us (CVE-2016-9962)
  sys::set_parent_death_signal(SIGKILL);  // until the container is handed over
  ::setsid();                             // fails only for a process that leads its group already
}

void join_cgroup(Init& init) {
  if (!init.plan.namespaces.staged()) cgroup::join_self(init.plan.cgroup_join_files);
  if ((init.plan.namespaces.create & CLONE_NEWCGROUP) != 0) sys::unshare(CLONE_NEWCGROUP);
}

// Not the CPUs that our caller happened to be pinned to, but all that the cgroup allows.
void set_affinity(Init& init) {
  constexpr std::size_t mask_size = 1024;  // 8192 CPUs, the kernel's own limit
  sys::set_affinity(init.plan.cpu_affinity.empty() ? std::string(mask_size, '\xff') : init.plan.cpu_affinity);
}

void join_keyring(Init& init) {
  const auto& confinement = init.plan.confinement;
  UniqueFd proc;
  if (!confinement.keyring.empty() && !confinement.selinux_label.empty()) proc = mount::private_proc();
  security::join_session_keyring(confinement, proc);
}

void set_up_namespaces(Init& init) { namespaces::set_up(init.plan.namespaces); }

// What is made from here on belongs to the container's root: mount points, nodes, file systems, the terminal.
void make_files_as_root_inside(Init& init) {
  if (init.plan.user_namespace >= 0) sys::set_file_ids(init.plan.root_id, init.plan.root_id);
}

void mount_filesystems(Init& init) {
  if (!init.plan.rootfs) return;
  init.rootfs.emplace(*init.plan.rootfs);
  init.rootfs->populate();
  if (!init.plan.waits_when_mounted) return;
  init.channel.send(Kind::mounted);
  init.channel.expect(Kind::proceed);
}

void run_create_container_hooks(Init& init) {
  if (!init.plan.create_container_hooks.empty())
    process::run_hooks("createContainer", init.plan.create_container_hooks, init.plan.creating_state.with(::getpid()));
}

// The private procfs comes first: in a user namespace the kernel gives one only where /proc is fully visible, and the
// container may have none at all.
void enter_rootfs(Init& init) {
  if (init.rootfs) init.proc = init.rootfs->take_proc();
  if (!init.proc) init.proc = mount::private_proc();
  if (init.rootfs) init.rootfs->enter();
  if (init.plan.root_dir >= 0) {
    sys::fchdir(FdRef(init.plan.root_dir));
    if (::chroot(".") != 0 || ::chdir("/") != 0) fail_errno("chroot");
  }
}

void open_console(Init& init) {
  const auto& plan = init.plan;
  if (plan.terminal) {
    const bool makes_dev_console = plan.mode != plan::Mode::exec;
    auto console = mount::open_console({plan.console_height, plan.console_width}, plan.root_id + plan.confinement.uid,
                                       makes_dev_console);
    init.for_parent.push_back(std::move(console.master));
  } else {
    mount::reopen_null_stdio();
  }
}

void make_working_directory(Init& init) {
  if (init.plan.make_cwd && init.plan.cwd != "/") make_directories(init.plan.cwd);
}

void seal_rootfs(Init& init) {
  if (init.rootfs) init.rootfs->seal();
}

void set_sysctls(Init& init) {
  if (!init.plan.sysctls.empty()) mount::write_sysctls(init.plan.sysctls, init.proc);
}

void verify_mounts(Init& init) {
  if (!init.rootfs) return;
  init.rootfs->verify(init.proc);
  init.rootfs.reset();
}

void set_kernel_attributes(Init& init) {
  if (init.plan.own_oom_score_adj)
    sys::write_file(init.proc, "self/oom_score_adj", std::to_string(*init.plan.own_oom_score_adj));
  init.ignored_signals = sys::ignored_signals(sys::read_record(init.proc, "self/status"));
  security::set_kernel_attributes(init.plan.confinement, init.proc);
}

// All other namespaces were made before it and belong to the host's user namespace: no capability of the container's
// root reaches them.
void enter_user_namespace(Init& init) {
  if (init.plan.user_namespace < 0) return;
  sys::setns(FdRef(init.plan.user_namespace), CLONE_NEWUSER);
  if (::setresgid(0, 0, 0) != 0 || ::setresuid(0, 0, 0) != 0) fail_errno("become its root");
  sys::set_dumpable(false);  // a change of ids undoes both
  sys::set_parent_death_signal(SIGKILL);
}

// The last time that both sides wait for each other: the parent sets rlimits, saves the state and takes the console.
void report_ready(Init& init) {
  std::vector<int> fds;
  for (const auto& fd : init.for_parent) fds.push_back(fd.get());
  init.channel.send(Kind::ready, 0, {}, fds);
  init.for_parent.clear();
  init.channel.expect(Kind::proceed);
}

// The agent's descriptor is fetched by the parent (pidfd_getfd): under the filter sendmsg(2) may be refused.
void hand_listener(Init& init, FdRef listener) {
  init.channel.send(Kind::listener, listener.get());
  char answer = 0;
  if (::read(init.channel.fd().get(), &answer, sizeof answer) != sizeof answer)
    fail("the runtime ended before it took the seccomp listener");
}

void load_seccomp(Init& init) {
  for (const auto& program : init.plan.confinement.seccomp)
    if (const UniqueFd listener = security::load_seccomp(program)) hand_listener(init, listener);
}

void prepare_environment(Init& init) {
  init.env = init.plan.env;
  if (init.plan.needs_home) init.env.push_back("HOME=" + home_of(init.plan.confinement.uid));
  if (init.plan.sets_listen_pid) init.env.push_back("LISTEN_PID=" + std::to_string(::getpid()));
}

// CVE-2024-21626: closed for good, not only marked, before a path is walked again. And before the seccomp filter, under
// which no call may be needed that the profile of an ordinary program does not allow.
void close_what_has_served(Init& init) {
  std::vector<int> needed{init.channel.fd().get(), init.proc.get()};
  if (init.plan.mode == plan::Mode::create) needed.push_back(init.plan.exec_fifo);
  for (const auto& hook : init.plan.start_container_hooks)
    for (const int fd : {hook.output_fd, hook.error_fd})
      if (fd >= 0) sys::set_cloexec(FdRef(fd), true), needed.push_back(fd);
  std::sort(needed.begin(), needed.end());
  unsigned first = init.plan.keep_fds;
  for (const int fd : needed) {
    const auto next = static_cast<unsigned>(fd);
    if (next > first) sys::close_range(first, next - 1, 0);
    first = std::max(first, next + 1);
  }
  sys::close_range(first, ~0U, 0);
}

void become_user(Init& init) {
  const auto& plan = init.plan;
  const bool filter_first = !plan.confinement.no_new_privileges;  // then loading needs CAP_SYS_ADMIN
  const bool entered = try_change_directory(plan.cwd);
  if (filter_first) load_seccomp(init);
  for (const auto& warning : security::become(plan.confinement)) init.channel.send(Kind::warning, 0, warning);
  if (!entered && !try_change_directory(plan.cwd)) fail_errno("chdir to cwd (\"" + plan.cwd + "\")", EACCES);
  verify_working_directory(plan.cwd);
  init.program = find_program(plan.args.front(), init.env);
  if (!filter_first) load_seccomp(init);
}

struct Step {
  const char* name;
  void (*run)(Init&);
  bool is_context = false;  // its errors need the name in front; those of the others say it themselves
};
constexpr bool is_context = true;

constexpr Step steps[] = {
    {"guard the init process", guard_process, is_context},
    {"join the cgroup", join_cgroup, is_context},
    {"set the CPU affinity", set_affinity, is_context},
    {"join the session keyring", join_keyring, is_context},
    {"set up namespaces", set_up_namespaces, is_context},
    {"take the ids of the container's root", make_files_as_root_inside, is_context},
    {"mount the file systems", mount_filesystems},
    {"run the createContainer hooks", run_create_container_hooks},
    {"enter the root file system", enter_rootfs, is_context},
    {"make the working directory", make_working_directory},
    {"open the console", open_console, is_context},
    {"set the sysctls", set_sysctls},  // before the masks: see enter_rootfs
    {"seal the root file system", seal_rootfs},
    {"verify the mounts", verify_mounts, is_context},
    {"set the kernel's attributes", set_kernel_attributes},
    {"enter the user namespace", enter_user_namespace, is_context},
    {"report that all is ready", report_ready},
    {"prepare the environment", prepare_environment},
    {"close what has served", close_what_has_served},
    {"become the user", become_user},
};

void take(const Step& step, Init& init) {
  if (init.plan.debug) init.channel.send(Kind::debug, 0, step.name);
  if (!step.is_context) return step.run(init);
  in_context(step.name, [&] { step.run(init); });
}

// Where the user's execve is reported: the channel (run, exec: end of file is success) or the exec fifo (create).
struct Report {
  UniqueFd fifo;
  process::Channel* channel = nullptr;
  void failed(const Error& error) const {
    if (!fifo) return channel->send(Kind::failed, error.error_number(), error.message());
    const std::string& text = error.message();
    (void)!::write(fifo.get(), text.data(), text.size());
  }
};

// `start` opens the fifo for reading and gets one byte, then either the end of file or the text of what failed.
UniqueFd wait_at_fifo(Init& init) {
  sys::set_parent_death_signal(0);  // create ends at our message, the container stays
  init.channel.send(Kind::created);
  init.channel.close();
  UniqueFd fifo = sys::openat(init.proc, "self/fd/" + std::to_string(init.plan.exec_fifo), O_WRONLY);
  ::close(init.plan.exec_fifo);
  sys::write_all(fifo, "0");
  return fifo;
}

void execute(Init& init) {
  if (!init.plan.start_container_hooks.empty())
    process::run_hooks("startContainer", init.plan.start_container_hooks, init.plan.created_state.with(::getpid()));
  sys::reset_signals(init.ignored_signals);
  sys::set_parent_death_signal(0);
  init.proc.reset();
  const auto args = sys::c_strings(init.plan.args);
  const auto env = sys::c_strings(init.env);
  ::execve(init.program.c_str(), args.data(), env.data());
  const int error = errno;
  if (error == ENOENT) fail_users_file("exec " + init.program + " (or its interpreter)", error);
  fail_errno("exec " + init.program, error);
}

}  // namespace

void run(const plan::InitPlan& plan, process::Channel& channel) {
  Init init{plan, channel, {}, {}, {}, {}, {}, 0};
  for (const auto& step : steps) take(step, init);
  Report report{{}, &channel};
  if (plan.mode == plan::Mode::run) channel.send(Kind::created);
  if (plan.mode == plan::Mode::create) report.fifo = wait_at_fifo(init);
  try {
    execute(init);
  } catch (const Error& error) {
    report.failed(error);
  }
  ::_exit(1);
}

}  // namespace agentsafe::init
