// Work in another network namespace. Source: setns(2), network_namespaces(7).
//
//   std::string report = net::inside(netns, [] { return read_text("/proc/net/dev"); });
#pragma once
#include <functional>
#include <string>

#include "runtime/base/unique_fd.h"

namespace agentsafe::net {

// A helper process enters the namespace, does the work and reports what it returns; we ourselves never change
// namespaces. Throws what the work threw. `userns`: entered first, where we are not privileged over `netns`.
std::string inside(FdRef netns, const std::function<std::string()>& work, FdRef userns = FdRef(-1));

}  // namespace agentsafe::net
