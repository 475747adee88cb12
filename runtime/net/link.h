// Network devices of the host that become the container's. Source: config-linux.md#network-devices, rtnetlink(7).
//
//   net::MovedDevices moved;
//   moved.move(spec.linux->netDevices, init.pid);            // {"eth1": {"name": "lan%d"}}
//   …the rest of the set-up, which may throw…
//   moved.keep();                                            // success: they stay
#pragma once
#include <sys/types.h>

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "oci/linux.h"
#include "runtime/base/unique_fd.h"

namespace agentsafe::net {

// Unless keep() was called, the destructor gives every device back with its old name and addresses, and up when it was
// up; left to the kernel, a virtual device would end with the namespace.
class MovedDevices {
 public:
  MovedDevices() = default;
  MovedDevices(const MovedDevices&) = delete;
  MovedDevices& operator=(const MovedDevices&) = delete;
  ~MovedDevices();

  // Once. Moves each device (key: its name on the host) into the network namespace, with the name it is to have there
  // ("%d" in it: the first free number; empty: the same name), its permanent addresses of global scope, and brings it up.
  // Throws naming the device, before it is moved when it is missing or its name is taken inside.
  void move(const std::map<std::string, oci::NetDevice>& devices, FdRef netns);
  // The same, into the namespace of a process, which must be a child of ours.
  void move(const std::map<std::string, oci::NetDevice>& devices, pid_t init);
  void keep() { undo_.clear(); }

 private:
  void move_device(const std::string& name, const std::string& wanted);
  UniqueFd inside_;
  UniqueFd host_;
  std::vector<std::function<void()>> undo_;
};

// Whether the kernel may have made `name` of `wanted`: matches("lan7", "lan%d").
[[nodiscard]] bool matches(std::string_view name, std::string_view wanted);

}  // namespace agentsafe::net
