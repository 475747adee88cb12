// What is done to a new container from outside, before its program runs: the same for create, run and restore.
#pragma once
#include <sys/types.h>

#include "runtime/container/container.h"
#include "runtime/container/creation.h"
#include "runtime/net/link.h"

namespace agentsafe::container {

// The packet filter first of all: whatever comes later may run something in the namespace, or bring it a way out. Then
// the network devices. `init` is in its namespaces.
void set_up_network(const Creation& creation, pid_t init, Container& container, net::MovedDevices& moved);
// Owner, limits (but memory's) and resctrl group; the device rules are made ready.
void set_up_cgroup(const Creation& creation, pid_t init, Container& container);
// Never left out: without rules of its own the container gets the usual ones.
void limit_devices(const Creation& creation, const Container& container);

}  // namespace agentsafe::container
