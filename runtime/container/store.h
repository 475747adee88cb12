// Where containers are remembered: <root>/<id>/ with state.json (facts), config.json (the effective spec: later edits in
// the bundle do not matter), exec.fifo and notify/. The directory is the lock of the id: mkdir succeeds once.
//
//   Store store(root);
//   ContainerDir dir = store.create("web");      // throws "container with given ID already exists"
//   dir.save(record);
//   …
//   Record record = store.open("web").load();    // throws "container does not exist"
//
// A record carries a checksum: one that is cut off or altered is refused by every verb, and removed by delete --force. It is
// not synced to a disk: what a power failure leaves belongs to another boot, and nothing is done by what it says.
// Modes: <root> and <root>/<id> 0711 (a container in a user namespace must reach exec.fifo and notify), files 0600.
// Every verb that changes a container holds the directory's flock(2); `state` and `list` do not wait for it.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "oci/spec.h"
#include "runtime/base/unique_fd.h"
#include "runtime/cgroup/plan.h"
#include "runtime/cgroup/resctrl.h"

namespace agentsafe::container {

// A network namespace that the container has joined, and whose packet filter it shares.
struct SharedNetwork {
  std::string path;
  std::uint64_t inode = 0;
};

// A container in the runtime's own mount namespace: which one that is, and the mount on which the root lay before it was bound
// over itself. What lies above is taken away with the container.
struct HostsMounts {
  std::uint64_t inode = 0;
  std::uint64_t below = 0;
};

// 1 had neither checksum nor boot.
inline constexpr std::uint32_t record_version = 2;

// state.json. Facts only; no environment values, no secrets.
struct Record {
  std::uint32_t version = record_version;
  std::string ociVersion;
  std::string id;
  std::string bundle;
  std::string rootfs;
  std::string created;            // RFC 3339
  std::uint32_t owner = 0;        // uid
  std::string policy;             // its name: strict, or a file's path
  std::string effectivePolicy;    // as policy/policy.h writes it; empty: oci
  std::int32_t pid = 0;           // the init; 0 while creating
  std::uint64_t startTime = 0;    // field 22 of /proc/PID/stat: guards against pid reuse
  std::uint64_t pidfdInode = 0;   // the same, where pidfds have inodes of their own (Linux 6.9); elsewhere all have one
  std::string bootId;             // pids and inodes of another boot name nothing: as_seen_after_reboot()
  cgroup::CgroupPlan cgroup;
  bool cgroupIsOurs = true;       // false until create has made it: one that is in use may be another container's
  bool ownPidNamespace = true;    // false: killing the init does not end the others
  bool rootless = false;
  std::optional<HostsMounts> hostsMounts;  // there is no mount namespace
  std::optional<std::uint32_t> firstId;  // on the host, of the 64K that are its own (id_ranges.h)
  std::string scratch;            // folder on disk of the layer over its root (scratch.h); empty: none
  bool restored = false;          // by criu, which made a time namespace beside those of the spec
  std::optional<std::string> egress;  // what policy::read_egress reads; none: no packet filter
  std::optional<std::string> egressPending;  // the same, while `egress set` puts it in force: the kernel knows whether it did
  std::optional<SharedNetwork> sharedNetwork;
  std::optional<cgroup::ResctrlFacts> intelRdt;
  std::optional<oci::Resources> resources;
  std::map<std::string, std::string> annotations;
};

// Facts of another boot without those that name what exists only now: processes, namespaces, cgroups, ids, layers.
[[nodiscard]] Record as_seen_after_reboot(Record record);

// [A-Za-z0-9_+.-]{1,255}, not "." or "..", no leading "-" or ".agentsafe"; throws "invalid container ID format".
void check_id(std::string_view id);

class ContainerDir {
 public:
  ContainerDir(UniqueFd dir, std::string path) : dir_(std::move(dir)), path_(std::move(path)) {}

  [[nodiscard]] FdRef fd() const { return dir_; }
  [[nodiscard]] const std::string& path() const { return path_; }  // <root>/<id>

  void save(const Record& record);
  // The same in two steps: nobody sees it before the second, which takes no time.
  void stage(const Record& record);
  void commit();
  // Throws when it cannot be read; empty when create was killed before it wrote one.
  [[nodiscard]] std::optional<Record> try_load() const;
  [[nodiscard]] Record load() const;
  void save_config(std::string_view text);  // once
  [[nodiscard]] oci::Spec load_config() const;

  // The exclusive lock; waits up to ten seconds, then throws (another verb works on the container).
  void lock();
  // Whether a verb holds it now.
  [[nodiscard]] bool is_locked() const;

  void make_fifo(uid_t uid, gid_t gid);
  [[nodiscard]] bool has_fifo() const;
  void remove_fifo();
  // Everything in it and the directory.
  void remove();

 private:
  UniqueFd dir_;
  std::string path_;
};

class Store {
 public:
  explicit Store(std::string root) : root_(std::move(root)) {}

  // The new directory, locked. Makes the root (0711) when it is missing.
  [[nodiscard]] ContainerDir create(const std::string& id) const;
  [[nodiscard]] ContainerDir open(const std::string& id) const;
  [[nodiscard]] std::optional<ContainerDir> try_open(const std::string& id) const;
  // Sorted; empty when the root is missing.
  [[nodiscard]] std::vector<std::string> ids() const;
  [[nodiscard]] const std::string& root() const { return root_; }

 private:
  std::string root_;
};

}  // namespace agentsafe::container
