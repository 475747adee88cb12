// linux.intelRdt: cache and memory bandwidth for a container, through the resctrl file system.
// Source: config-linux.md#intelrdt, Documentation/filesystems/resctrl.rst (arch/x86/resctrl.rst).
//
//   ResctrlGroup group = make_resctrl_group(resctrl_mount_point(), *spec.linux->intelRdt, id);   // owner
//   group.add(pid);
//   ResctrlFacts facts = group.keep();        // into the state
//   …  remove_resctrl_group(facts);           // delete: only what we made
#pragma once
#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "oci/linux.h"
#include "runtime/cgroup/stats.h"

namespace agentsafe::cgroup {

// Plain facts for state.json (resctrl_json.h has the table).
struct ResctrlFacts {
  std::string group;             // "/sys/fs/resctrl/gold"; the mount point itself for closID "/"
  std::string monitoring_group;  // "/sys/fs/resctrl/gold/mon_groups/web", empty without enableMonitoring
  bool made_group = false;       // else it is somebody else's, and stays
};

class ResctrlGroup {
 public:
  explicit ResctrlGroup(ResctrlFacts facts) : facts_(std::move(facts)) {}
  ResctrlGroup(ResctrlGroup&& other) noexcept;
  ResctrlGroup& operator=(ResctrlGroup&&) = delete;
  ~ResctrlGroup();  // removes what was made, unless kept

  void add(pid_t pid);
  [[nodiscard]] const ResctrlFacts& facts() const { return facts_; }
  ResctrlFacts keep();

 private:
  ResctrlFacts facts_;
  bool owned_ = true;
};

// Throws Error("intelRdt: resctrl is not mounted; …") when it is not at /sys/fs/resctrl.
[[nodiscard]] std::string resctrl_mount_point();

// closID names the group, without one it is the container's id, "/" is the root group. Schemata are written to a group
// that we make; in one that exists they must hold already (config-linux.md#intelrdt). Throws Error for names that are
// no single directory, for an absent group without schemata, and with the kernel's last_cmd_status.
[[nodiscard]] ResctrlGroup make_resctrl_group(const std::string& mount_point, const oci::IntelRdt& config,
                                              const std::string& id);

// For `update`: writes the new schemata, restores the old ones when a line is refused.
void update_resctrl_group(const ResctrlFacts& facts, const std::optional<std::string>& l3_cache_schema,
                          const std::optional<std::string>& mem_bw_schema);

// What is gone already is fine.
void remove_resctrl_group(const ResctrlFacts& facts);

[[nodiscard]] IntelRdtStats resctrl_stats(const std::string& mount_point, const ResctrlFacts& facts);

// The text for the schemata file: l3CacheSchema, memBwSchema (its MB: line wins over one in l3CacheSchema), schemata.
[[nodiscard]] std::string schemata_text(const oci::IntelRdt& config);
// Every "L3:0=f" of wanted is so in current, no matter the order, leading zeros and spaces.
[[nodiscard]] bool schemata_hold(std::string_view wanted, std::string_view current);

}  // namespace agentsafe::cgroup
