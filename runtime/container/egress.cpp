#include "runtime/container/egress.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>

#include "runtime/base/error.h"
#include "runtime/base/scope.h"
#include "runtime/base/text.h"
#include "runtime/sys/fd.h"

namespace agentsafe::container {
namespace {

constexpr const char* registry = "/run/agentsafe-egress";
constexpr std::size_t largest_list = 1U << 20;
constexpr std::size_t largest_resolv_conf = 64U << 10;

UniqueFd open_namespace(pid_t pid, const char* type) {
  return sys::openat(sys::at_cwd, "/proc/" + std::to_string(pid) + "/ns/" + type, O_RDONLY);
}

net::Egress egress_of(pid_t init, bool rootless) {
  return net::Egress(open_namespace(init, "net"), rootless ? open_namespace(init, "user") : UniqueFd());
}

// The containers that share a joined namespace, locked while it lives.
class Members {
 public:
  explicit Members(std::uint64_t inode) : path_(std::string(registry) + "/" + std::to_string(inode)) {
    do {
      sys::mkdir_all(registry, 0700);
      file_ = sys::openat(sys::at_cwd, path_, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
      if (::flock(file_.get(), LOCK_EX) != 0) fail_errno("lock " + path_);
    } while (sys::fstat(file_).st_nlink == 0);  // the last member has just left
    const std::string list = sys::read_all(file_, largest_list);
    for (const auto line : text::lines(list)) listed_.emplace_back(line);
  }

  // A container that was killed in the middle of create, and then deleted, has not signed off.
  [[nodiscard]] std::vector<std::string> living() const {
    std::vector<std::string> living;
    for (const auto& member : listed_)
      if (sys::try_fstatat(sys::at_cwd, member)) living.push_back(member);
    return living;
  }
  [[nodiscard]] bool were_some() const { return !listed_.empty(); }

  void save(const std::vector<std::string>& members) {
    if (members.empty()) {
      sys::unlinkat(sys::at_cwd, path_);
      return;
    }
    if (::ftruncate(file_.get(), 0) != 0 || ::lseek(file_.get(), 0, SEEK_SET) != 0) fail_errno("write " + path_);
    sys::write_all(file_, text::join(members, "\n") + "\n");
  }

 private:
  std::string path_;
  UniqueFd file_;
  std::vector<std::string> listed_;
};

// Signs before it installs: whatever ends us in between, `delete` finds whose rules they are.
void join_network(Members& members, const net::Egress& egress, const plan::EgressPlan& plan,
                  const std::string& state_dir) {
  const auto living = members.living();
  const bool is_stale = living.empty() && members.were_some();
  // a table that nobody has signed for belongs to the container that made the namespace, and ends with it
  const bool counted = !living.empty() || is_stale || !egress.exists();
  auto signed_list = living;
  if (counted) signed_list.push_back(state_dir);
  members.save(signed_list);
  OnExit sign_off([&] { members.save(living); });
  egress.install(plan.rules, plan.around, is_stale ? net::nft::Existing::replaced : net::nft::Existing::refused);
  sign_off.keep();
}

// The file that will be /etc/resolv.conf; nothing when there is none.
std::string resolv_conf_of(const oci::Spec& spec, const std::string& bundle) {
  const auto within = [&](const std::string& path) { return path.starts_with('/') ? path : bundle + "/" + path; };
  UniqueFd file;
  for (const auto& mount : spec.mounts)
    if (text::clean_path(mount.destination) == "/etc/resolv.conf")
      file = sys::maybe_openat(sys::at_cwd, within(mount.source), O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!file && spec.root) {
    const UniqueFd root = sys::openat(sys::at_cwd, within(spec.root->path), O_PATH | O_DIRECTORY);
    file = sys::maybe_openat2(root, "etc/resolv.conf", O_RDONLY | O_NONBLOCK | O_NOCTTY,
                              RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
  }
  if (!file || !S_ISREG(sys::fstat(file).st_mode)) return {};
  return sys::read_all(file, largest_resolv_conf);
}

bool has_raw_sockets(const oci::Spec& spec) {
  if (!spec.process || !spec.process->capabilities) return false;
  const auto& bounding = spec.process->capabilities->bounding;
  return std::ranges::find(bounding, "CAP_NET_RAW") != bounding.end();
}

}  // namespace

net::Surroundings surroundings_of(const policy::Egress& egress, const oci::Spec& spec, const std::string& bundle) {
  net::Surroundings around{net::host_addresses(), {}, has_raw_sockets(spec)};
  if (egress.mode == policy::EgressMode::open) around.name_servers = net::name_servers(resolv_conf_of(spec, bundle));
  return around;
}

std::optional<SharedNetwork> shared_network_of(const plan::EgressPlan& plan) {
  if (plan.joined_path.empty()) return std::nullopt;
  const UniqueFd netns = sys::maybe_openat(sys::at_cwd, plan.joined_path, O_RDONLY);
  return SharedNetwork{plan.joined_path, netns ? sys::fstat(netns).st_ino : 0};
}

void install_egress(const plan::EgressPlan& plan, pid_t init, bool rootless, const std::string& state_dir) {
  const net::Egress egress = egress_of(init, rootless);
  const UniqueFd netns = open_namespace(init, "net");
  if (net::is_own_network(netns))
    fail(
        "egress: the container would join the host's network namespace, whose traffic is not the container's to "
        "filter; "
        "give it one of its own, or take a policy with egress.mode \"off\"");
  if (plan.joined_path.empty()) {
    egress.install(plan.rules, plan.around);
    return;
  }
  Members members(sys::fstat(netns).st_ino);
  join_network(members, egress, plan, state_dir);
}

void leave_network(const SharedNetwork& network, const std::string& state_dir) {
  Members members(network.inode);
  auto living = members.living();
  const bool was_listed = std::erase(living, state_dir) != 0;
  if (living.empty() && was_listed) {
    UniqueFd netns = sys::maybe_openat(sys::at_cwd, network.path, O_RDONLY);
    if (netns && sys::fstat(netns).st_ino == network.inode) {
      const net::Egress egress(std::move(netns));
      if (egress.exists()) egress.remove();
    }
  }
  members.save(living);
}

net::Egress network_egress(const Container& container) {
  return egress_of(container.record.pid, container.record.rootless);
}

std::vector<net::nft::RuleCount> egress_counts(const Container& container) {
  if (!container.record.egress) return {};
  return network_egress(container).counts();
}

}  // namespace agentsafe::container
