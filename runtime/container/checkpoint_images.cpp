#include "runtime/container/checkpoint_images.h"

#include <algorithm>

#include "oci/json.h"
#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/criu/session.h"
#include "runtime/sys/fd.h"

namespace agentsafe::json {
template <>
inline constexpr auto fields<container::Provenance> =
    std::tuple{required("version", &container::Provenance::version), required("policy", &container::Provenance::policy),
               optional("effectivePolicy", &container::Provenance::effectivePolicy)};
}  // namespace agentsafe::json

namespace agentsafe::container {
namespace {

constexpr std::size_t standard_streams = 3;
constexpr std::size_t largest_log = 64U << 20;

bool is_pipe(std::string_view name) { return name.starts_with("pipe:["); }

bool has_other_end_outside(const std::string& name, const std::vector<HeldPipe>& pipes) {
  bool reads = false;
  bool writes = false;
  for (const auto& pipe : pipes) {
    if (pipe.name != name) continue;
    reads = reads || pipe.reads;
    writes = writes || pipe.writes;
  }
  return reads != writes;
}

void add_cgroup_mounts(std::vector<ExternalMount>& external, const mount::MountStep& step,
                       const mount::RootfsPlan& plan) {
  if (plan.cgroup_view == mount::CgroupView::fresh) return;  // criu makes it anew
  for (const auto& cgroup : plan.cgroups)
    external.push_back(
        {cgroup.name.empty() ? step.destination : step.destination + "/" + cgroup.name, cgroup.directory});
  if (plan.cgroups.empty()) external.push_back({step.destination, "/sys/fs/cgroup"});
}

}  // namespace

std::string to_json(const Provenance& provenance) { return json::write(provenance); }

Provenance read_provenance(std::string_view text) {
  auto provenance = json::read<Provenance>(text);
  if (provenance.version != 1) fail("version " + std::to_string(provenance.version) + " is not known");
  return provenance;
}

void check_restorable(const policy::Hardened& hardened, const std::string& policy_name) {
  const std::string rule = "policy " + policy_name + ": ";
  if (hardened.scratch)
    fail(rule +
         "fs.rootfs \"overlay\" keeps what the container writes in a layer that criu does not save; take a "
         "policy with fs.rootfs \"writable\" or \"readonly\"");
  if (hardened.own_ids)
    fail(rule +
         "process.userns \"auto\" maps the ids of the root file system, which criu cannot restore; take a policy with "
         "process.userns \"off\"");
}

std::string descriptors_json(const std::vector<std::string>& descriptors) { return json::write(descriptors); }

std::vector<std::pair<std::string, std::int32_t>> inherited_pipes(std::string_view descriptors_json) {
  std::vector<std::pair<std::string, std::int32_t>> pipes;
  std::int32_t fd = 0;
  const json::Document document = json::parse(descriptors_json);
  for (const auto& item : document.root()) {
    const auto same = [&](const auto& pipe) { return pipe.first == item.text; };
    if (is_pipe(item.text) && std::none_of(pipes.begin(), pipes.end(), same)) pipes.emplace_back(item.text, fd);
    if (static_cast<std::size_t>(++fd) == standard_streams) break;
  }
  return pipes;
}

std::vector<std::string> external_descriptors(std::vector<std::string> init, const std::vector<HeldPipe>& pipes) {
  init.resize(standard_streams);
  for (std::size_t fd = 0; fd < standard_streams; ++fd) {
    if (is_pipe(init[fd]) && has_other_end_outside(init[fd], pipes)) continue;
    const auto holder = std::find_if(pipes.begin(), pipes.end(), [&](const HeldPipe& pipe) {
      return pipe.fd == static_cast<int>(fd) && has_other_end_outside(pipe.name, pipes);
    });
    if (holder != pipes.end()) {
      init[fd] = holder->name;
    } else if (is_pipe(init[fd])) {
      init[fd] = "internal " + init[fd];  // both ends are the container's: criu restores it
    }
  }
  return init;
}

std::vector<ExternalMount> external_mounts(const mount::RootfsPlan& plan, const std::string& state_dir) {
  std::vector<ExternalMount> external;
  for (const auto& step : plan.mounts) {
    if (step.idmapped)
      fail("mount " + step.destination +
           ": criu would restore it without its id mapping; leave uidMappings, "
           "gidMappings and idmap out");
    if (step.kind == mount::StepKind::bind) external.push_back({step.destination, step.source});
    if (step.kind == mount::StepKind::cgroup) add_cgroup_mounts(external, step, plan);
  }
  if (plan.binds_devices)
    for (const auto& device : plan.devices) external.push_back({device.path, device.path});
  external.push_back({"/run/notify", state_dir + "/notify"});
  return external;
}

std::string external_namespace(const std::string& type) {
  if (type == "network") return "extRootNetNS";
  if (type == "pid") return "extRootPidNS";
  return {};
}

std::string criu_failure(const criu::Answer& answer, const std::string& log_path) {
  const auto log = sys::try_read_file(sys::at_cwd, log_path, largest_log);
  std::string errors = log ? criu::errors_in(*log) : std::string();
  if (errors.empty()) errors = text::escaped(text::trim(answer.error_text));
  if (errors.empty() && answer.error_number != 0) errors = errno_text(answer.error_number);
  if (errors.empty()) errors = "it gives no reason";
  return "criu: " + errors + " (see " + log_path + ")";
}

}  // namespace agentsafe::container
