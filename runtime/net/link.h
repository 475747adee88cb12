// Network devices of the host that become the container's. Source: config-linux.md#network-devices, rtnetlink(7).
//
//   net::move_devices(spec.linux->netDevices, init.pid);     // {"eth1": {"name": "lan%d"}}
#pragma once
#include <sys/types.h>

#include <map>
#include <string>
#include <string_view>

#include "oci/linux.h"
#include "runtime/base/unique_fd.h"

namespace agentsafe::net {

// Moves each device (key: its name on the host) into the network namespace, with the name it is to have there ("%d" in it:
// the first free number; empty: the same name), its permanent addresses of global scope, and brings it up.
// Throws naming the device, before it is moved when it is missing or its name is taken inside. What was moved before an
// error stays there: with the namespace's end the kernel gives a physical device back to the host.
void move_devices(const std::map<std::string, oci::NetDevice>& devices, FdRef netns);
// The same, into the namespace of a process, which must be a child of ours.
void move_devices(const std::map<std::string, oci::NetDevice>& devices, pid_t init);

// Whether the kernel may have made `name` of `wanted`: matches("lan7", "lan%d").
[[nodiscard]] bool matches(std::string_view name, std::string_view wanted);

}  // namespace agentsafe::net
