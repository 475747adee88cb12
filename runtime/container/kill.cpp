// kill and delete: the two ways to end a container.
#include <chrono>
#include <csignal>
#include <thread>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/container/container.h"
#include "runtime/container/signal_name.h"
#include "runtime/plan/host_facts.h"
#include "runtime/sys/process.h"

namespace agentsafe::container {
namespace {

using namespace std::chrono_literals;

// SIGKILL must work whatever state the container is in: in a shared pid namespace the init's end leaves the others
// alive, and a frozen version 1 cgroup would not deliver it.
void kill_hard(Container& container, FdRef init) {
  if (!container.record.ownPidNamespace) container.cgroup->kill_all(SIGKILL);
  if (init) sys::pidfd_send_signal(init, SIGKILL);
  if (container.cgroup->frozen()) container.cgroup->thaw();
}

// A container whose create was killed before it could write down anything.
void remove_half_made(ContainerDir dir) {
  dir.lock();
  release_unnamed(dir);
  dir.remove();
}

// A create that was killed has not written down its init, which dies of its parent's death; until it is gone its cgroup
// looks like another container's, which is left alone.
void await_unnamed_init(const Container& container) {
  for (int i = 0; i < 100 && container.cgroup->populated(); ++i) std::this_thread::sleep_for(10ms);
}

void end_and_destroy(Runtime& runtime, Container& container) {
  if (const UniqueFd init = container.init()) {
    kill_hard(container, init);
    container.cgroup->kill_all(SIGKILL);
    if (!sys::wait_readable(init, 10s))
      fail("delete " + container.record.id + ": its init (pid " + std::to_string(container.record.pid) +
           ") did not end within ten seconds of SIGKILL; is it in uninterruptible sleep?");
  }
  if (!container.record.cgroupIsOurs && !container.is_of_another_boot) await_unnamed_init(container);
  destroy(runtime, container);
}

// What is left when state.json cannot be read (altered, or cut off by a host that went down): nothing is believed of it, its
// pid least of all. config.json still says where the cgroup is, and everything in it is the container's.
void remove_unreadable(Runtime& runtime, ContainerDir dir, const Error& reason) {
  runtime.log->warning(std::string("the state is unreadable, cleaning up by config.json: ") + reason.what());
  dir.lock();
  oci::Spec spec;
  try {
    spec = dir.load_config();
  } catch (const Error& error) {
    runtime.log->warning(std::string("it is unreadable too, its cgroup is left if there is one: ") + error.what());
    return remove_half_made(std::move(dir));
  }
  Record record;
  record.id = dir.path().substr(dir.path().rfind('/') + 1);
  const std::string path = spec.linux ? spec.linux->cgroupsPath : "";
  cgroup::PlanOptions options;
  options.systemd = cgroup::is_systemd_path(path);
  const plan::HostFacts host = plan::probe_host();
  options.rootless = options.systemd && runtime.rootless.value_or(!host.privileged());
  options.uid = host.user;
  record.cgroup = cgroup::plan_cgroup(path, record.id, host.cgroups, options);
  auto cgroup = cgroup::open_cgroup(record.cgroup, runtime.session_bus);
  Container container{std::move(dir), std::move(record), std::move(cgroup)};
  container.cgroup->kill_all(SIGKILL);
  release_unnamed(container.dir);
  destroy(runtime, container);
}

}  // namespace

void kill(Runtime& runtime, const KillRequest& request) {
  const int signal = signal_number(request.signal);
  Container container = open_container(runtime, request.id);
  const UniqueFd init = container.init();
  if (!init) {
    // Processes that share the pid namespace outlive the init.
    const bool others = !container.record.ownPidNamespace && container.record.cgroupIsOurs;
    if (others && signal == SIGKILL && !container.cgroup->pids().empty()) return container.cgroup->kill_all(SIGKILL);
    if (request.all) return;
    container.fail_not_running();
  }
  if (signal == SIGKILL) return kill_hard(container, init);
  if (request.all) return container.cgroup->kill_all(signal);
  if (!sys::pidfd_send_signal(init, signal)) container.fail_not_running();
}

void remove(Runtime& runtime, const DeleteRequest& request) {
  auto dir = Store(runtime.root).try_open(request.id);
  if (!dir) {
    if (request.force) return;
    fail("container does not exist: " + request.id);
  }
  try {
    if (!dir->try_load()) return remove_half_made(std::move(*dir));
  } catch (const Error& error) {
    if (!request.force) throw;
    return remove_unreadable(runtime, std::move(*dir), error);
  }
  Container container = lock_container(runtime, request.id);
  if (request.force) return end_and_destroy(runtime, container);
  container.require(Operation::remove);
  end_and_destroy(runtime, container);  // a created container's init still waits at its fifo
}

}  // namespace agentsafe::container
