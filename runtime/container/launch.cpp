#include "runtime/container/launch.h"

#include <sched.h>
#include <sys/socket.h>

#include <csignal>

#include "runtime/base/error.h"
#include "runtime/base/scope.h"
#include "runtime/process/spawn.h"
#include "runtime/sys/fd.h"

namespace agentsafe::container {
namespace {

using process::Kind;

// The stage asks for its maps if it made a user namespace, then names the init it has cloned, and ends.
sys::Child follow_stage(const sys::Child& stage, process::Channel& channel, const LaunchSetting& setting) {
  auto message = channel.await(Kind::cloned, Kind::need_maps);
  const bool has_asked = message.kind == Kind::need_maps;
  if (has_asked) {
    if (setting.attach) setting.attach(stage.pid);  // its init is born there
    namespaces::write_id_maps(stage.pid, setting.id_maps, setting.privileged);
    channel.send(Kind::maps_written);
    message = channel.await(Kind::cloned, Kind::cloned);
  }
  if (message.fds.size() != 1) fail("the stage process did not hand over its child");
  sys::Child init{message.number, std::move(message.fds.front())};
  if (setting.attach && !has_asked) setting.attach(init.pid);
  sys::wait(stage.pidfd);
  return init;
}

UniqueFd take_network(namespaces::NamespacePlan& plan, process::Ahead& ahead) {
  if (plan.staged() || (plan.create & CLONE_NEWNET) == 0) return {};
  UniqueFd network = ahead.network();
  if (network) plan.create &= ~std::uint64_t{CLONE_NEWNET}, plan.loopback_up = false;
  return network;
}

}  // namespace

void abandon(const sys::Child& init) noexcept {
  try {
    sys::pidfd_send_signal(init.pidfd, SIGKILL);
    sys::wait(init.pidfd);
  } catch (const Error&) {  // ECHILD: somebody else has reaped it
  }
}

Launched launch(plan::InitPlan& plan, const LaunchSetting& setting) {
  auto [ours, theirs] = sys::socketpair(SOCK_SEQPACKET);
  const UniqueFd network = take_network(plan.namespaces, *setting.ahead);
  const UniqueFd plan_fd = sys::memfd("plan");
  sys::write_all(plan_fd, wire::encode(plan));
  const UniqueFd image = setting.ahead->image();

  auto inherit = setting.inherit;
  inherit.push_back(theirs.get());
  inherit.push_back(plan_fd.get());
  sys::CloneOptions options;
  options.flags = plan.namespaces.staged() ? 0 : namespaces::clone_flags(plan.namespaces);
  options.cgroup_fd = setting.cgroup_fd;
  options.shares_memory = setting.is_fresh || setting.cgroup_fd < 0;
  sys::Child child = process::spawn_image(
      image, options, inherit, {"agentsafe-init", std::to_string(theirs.get()), std::to_string(plan_fd.get())}, network);
  theirs.reset();
  process::Channel channel(std::move(ours));
  if (plan.debug)
    channel.on_debug([log = setting.log](const std::string& step) {
      log->debug("init: " + step, {"take", "runtime/init/init.cpp", 0});
    });
  OnExit end_stage([&] { abandon(child); });
  if (!plan.namespaces.staged()) {
    if (setting.attach) setting.attach(child.pid);
    end_stage.keep();
    return {std::move(child), std::move(channel)};
  }
  sys::Child init = follow_stage(child, channel, setting);
  end_stage.keep();
  return {std::move(init), std::move(channel)};
}

}  // namespace agentsafe::container
