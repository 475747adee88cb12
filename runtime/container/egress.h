// What may leave a container's network namespace: the rules of its plan put into force at create, shown, changed and
// asked while it runs, taken away with the last container that joined a namespace.
//
// Containers that join a network namespace by path share one packet filter; /run/agentsafe-egress/INODE lists them, by
// the folders of their states. It is the lock of the namespace too.
#pragma once
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "oci/bundle.h"
#include "runtime/container/container.h"
#include "runtime/net/egress.h"
#include "runtime/plan/plan.h"

namespace agentsafe::container {

// The addresses of the host, and for mode `open` the name servers in what will be the container's /etc/resolv.conf.
[[nodiscard]] net::Surroundings surroundings_of(const policy::Egress& egress, const oci::Spec& spec,
                                                const std::string& bundle);

// What the record keeps of a namespace that is joined, from before the first effect.
[[nodiscard]] std::optional<SharedNetwork> shared_network_of(const plan::EgressPlan& plan);
// Before anything of the container's runs in it. Throws for the host's namespace, and for one whose containers have
// another policy.
void install_egress(const plan::EgressPlan& plan, pid_t init, bool rootless, const std::string& state_dir);
// The container is gone: the last one that had signed takes the rules out of the namespace, if that is still there.
void leave_network(const SharedNetwork& network, const std::string& state_dir);

// Of a container that runs.
[[nodiscard]] net::Egress network_egress(const Container& container);
// Counters of a running container's rules; nothing when it has no rules.
[[nodiscard]] std::vector<net::nft::RuleCount> egress_counts(const Container& container);

}  // namespace agentsafe::container
