// The packet filter of a container's network namespace in force. The policy decides (policy/egress.h), egress_table.h
// compiles, this loads, tests and changes.
//
//   Egress egress(sys::openat(sys::at_cwd, "/proc/4711/ns/net", O_RDONLY));
//   egress.install(policy.egress, around);        // before any process of the container's runs
//   egress.replace(stricter, around);             // flows that it no longer allows are cut
//   for (const auto& count : egress.counts()) …
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/unique_fd.h"
#include "runtime/net/egress_table.h"
#include "runtime/net/nft_load.h"

namespace agentsafe::net {

class Egress {
 public:
  // `userns`: of the namespace's owner, where we are not privileged over it ourselves.
  explicit Egress(UniqueFd netns, UniqueFd userns = {}) : netns_(std::move(netns)), userns_(std::move(userns)) {}

  // Loads the table in one transaction, reads it back, brings loopback up, switches router advertisements, helpers and
  // the pick-up of unknown TCP flows off, and sends real packets that must be refused and counted. A table of an equal
  // policy that is there already is kept; throws for another one, unless it may be replaced: its containers are gone.
  void install(const policy::Egress& egress, const Surroundings& around,
               nft::Existing existing = nft::Existing::refused) const;
  // In one transaction, with the next epoch. What egress.bytes has already let out is taken off the new quota.
  void replace(const policy::Egress& egress, const Surroundings& around) const;
  void remove() const;
  [[nodiscard]] std::vector<nft::RuleCount> counts() const;
  // Whether there is a table; made by whomever.
  [[nodiscard]] bool exists() const;
  // Whether the table is that of this policy, of whichever epoch.
  [[nodiscard]] bool enforces(const policy::Egress& egress) const;

 private:
  [[nodiscard]] std::string comment() const;
  UniqueFd netns_;
  UniqueFd userns_;
};

// Whether it is the network namespace that we are in.
[[nodiscard]] bool is_own_network(FdRef netns);
// The addresses of our network namespace; also those that its loopback device has, which may be public.
[[nodiscard]] std::vector<policy::Network> host_addresses();

}  // namespace agentsafe::net
