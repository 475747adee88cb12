// The hardenings of what the container sees of files.
#include "runtime/base/text.h"
#include "runtime/policy/amounts.h"
#include "runtime/policy/hardening.h"

namespace agentsafe::policy {
namespace {

constexpr std::uint64_t largest_scratch = std::uint64_t{4} << 30;

// Beside the lists that engines send (config-linux.md#masked-paths).
constexpr std::string_view masked[] = {"/proc/acpi",
                                       "/proc/asound",
                                       "/proc/interrupts",
                                       "/proc/kcore",
                                       "/proc/keys",
                                       "/proc/latency_stats",
                                       "/proc/sched_debug",
                                       "/proc/scsi",
                                       "/proc/timer_list",
                                       "/proc/timer_stats",
                                       "/sys/devices/virtual/powercap",
                                       "/sys/firmware",
                                       "/sys/kernel/debug",
                                       "/sys/kernel/tracing"};
constexpr std::string_view unwritable[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};

template <class Wanted>
void add_paths(Hardening& work, const char* property, std::vector<std::string>& paths, const Wanted& wanted) {
  std::vector<std::string> added;
  for (const auto& path : wanted)
    if (!contains(paths, std::string_view(path))) added.emplace_back(path);
  if (added.empty()) return;
  paths.insert(paths.end(), added.begin(), added.end());
  work.change(property, "", text::join(added, " "));
}

std::string home_of(const oci::Process& process) {
  for (const auto& entry : process.env)
    if (entry.starts_with("HOME=/")) return text::clean_path(entry.substr(5));
  return process.user.uid == 0 ? "/root" : "";
}

// fs.rootfs "readonly": where programs expect to write.
void add_writable(Hardening& work) {
  Words places{"/run", "/tmp", "/var/tmp"};
  const std::string home = home_of(work.process());
  if (!home.empty() && home != "/") places.push_back(home);
  places.insert(places.end(), work.policy.writable.begin(), work.policy.writable.end());
  auto& mounts = work.out.spec.mounts;
  std::vector<oci::Mount> added;
  for (const auto& place : normal(places, Kind::paths)) {
    const auto is_there = [&](const oci::Mount& mount) { return text::clean_path(mount.destination) == place; };
    if (std::any_of(mounts.begin(), mounts.end(), is_there)) continue;
    const std::string size = "size=" + std::to_string(scratch_size(work.policy, work.around));
    added.push_back({.destination = place,
                     .source = "tmpfs",
                     .type = "tmpfs",
                     .options = {"nosuid", "nodev", "tmpcopyup", size},
                     .uidMappings = {},
                     .gidMappings = {}});
    work.change("mounts " + place, "", "tmpfs");
  }
  mounts.insert(mounts.begin(), added.begin(), added.end());  // first: the bundle's own may lie below them
}

}  // namespace

std::uint64_t scratch_size(const Policy& policy, const Surroundings& around) {
  if (policy.scratch_size != no_limit) return policy.scratch_size;
  if (policy.scratch == "disk") return largest_scratch;
  const std::uint64_t half = policy.memory != no_limit ? policy.memory / 2 : around.half_memory;
  return half != 0 ? std::min(half, largest_scratch) : largest_scratch;
}

void keep_image(Hardening& work) {
  auto& root = *work.out.spec.root;
  if (work.policy.rootfs == "writable" || (work.policy.rootfs == "overlay" && root.readonly)) return;
  if (work.policy.rootfs == "readonly") {
    if (!root.readonly) work.change("root.readonly", "false", "true");
    root.readonly = true;
    return add_writable(work);
  }
  const std::string& disk = work.around.scratch_dir;
  work.out.scratch = Scratch{scratch_size(work.policy, work.around), disk};
  work.change("root", "writable",
              "an overlay of " + amount_text(work.out.scratch->size, Kind::size) +
                  (disk.empty() ? " in memory" : " and 1048576 files on disk below " + disk) +
                  ": changes end with the container");
}

// Outside of a user namespace a file's owner may give it to another project (fileattr_set_prepare() of the kernel), and
// CAP_SYS_RESOURCE goes over every limit.
void keep_scratch_bounded(Hardening& work) {
  if (!work.out.scratch || work.out.scratch->disk.empty()) return;
  if (!work.around.no_disk_scratch.empty())
    return work.refuse("the scratch layer cannot be on disk: " + work.around.no_disk_scratch);
  const auto& all = work.linux().namespaces;
  if (work.out.own_ids || std::any_of(all.begin(), all.end(), [](const auto& ns) { return ns.type == "user"; })) return;
  const auto& capabilities = work.process().capabilities;
  if (work.policy.seccomp == "none")
    work.refuse(
        "without user namespace and process.seccomp the container could leave its quota on disk: name a profile");
  if (capabilities && contains(capabilities->bounding, "CAP_SYS_RESOURCE"))
    work.refuse("CAP_SYS_RESOURCE goes over the quota on disk: take it out of process.capabilities");
}

// `word` is nosuid or nodev, `opposite` what takes it back; of a tree of mounts all get it. Which option comes last
// counts.
Words add_to_mounts(Hardening& work, const std::string& word, const std::string& opposite) {
  Words places;
  for (auto& mount : work.out.spec.mounts) {
    const std::string place = text::clean_path(mount.destination);
    const auto& given = mount.options;
    const bool holds_devices =
        place == "/dev" || mount.type == "devpts" || contains(work.around.device_mounts, mount.destination);
    if (contains(given, "remount") || (word == "nodev" && holds_devices)) continue;
    const std::string wanted = (contains(given, "rbind") ? "r" : "") + word;
    const auto last = std::find_if(given.rbegin(), given.rend(), [&](const auto& option) {
      return option == wanted || option == opposite || option == "r" + opposite;
    });
    if (last != given.rend() && *last == wanted) continue;
    mount.options.push_back(wanted);
    places.push_back(place);
  }
  return places;
}

void ignore_setuid(Hardening& work) {
  if (!work.policy.no_new_privileges) return;
  work.out.nosuid_root = true;
  const auto places = add_to_mounts(work, "nosuid", "suid");
  if (!places.empty()) work.change("mounts nosuid", "", text::join(places, " "));
}

void ignore_devices(Hardening& work) {
  if (work.policy.privileged) return;
  const auto& mounts = work.out.spec.mounts;  // without one on /dev the root holds the container's own nodes
  work.out.nodev_root = std::any_of(mounts.begin(), mounts.end(),
                                    [](const auto& mount) { return text::clean_path(mount.destination) == "/dev"; });
  const auto places = add_to_mounts(work, "nodev", "dev");
  if (!places.empty()) work.change("mounts nodev", "", text::join(places, " "));
}

void refuse_workspace(Hardening& work) {
  if (work.policy.workspace_mode != "none" || work.policy.workspace_path.empty()) return;
  for (const auto& mount : work.out.spec.mounts)
    if (text::clean_path(mount.destination) == work.policy.workspace_path)
      work.refuse("mount " + text::escaped(mount.destination) +
                  " is a workspace, and the policy has none: leave it out");
}

void hide_paths(Hardening& work) { add_paths(work, "linux.maskedPaths", work.linux().maskedPaths, work.policy.hidden); }

void protect_paths(Hardening& work) {
  add_paths(work, "linux.readonlyPaths", work.linux().readonlyPaths, work.policy.readonly);
}

void mask_kernel(Hardening& work) {
  if (work.policy.privileged) return;
  add_paths(work, "linux.maskedPaths", work.linux().maskedPaths, masked);
  add_paths(work, "linux.readonlyPaths", work.linux().readonlyPaths, unwritable);
}

}  // namespace agentsafe::policy
