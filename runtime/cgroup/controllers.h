// Handing controllers down a version 2 hierarchy. Source: cgroup-v2.rst "Enabling and Disabling".
#pragma once
#include <string>

namespace agentsafe::cgroup {

class Directory;

// Writes to cgroup.subtree_control of every cgroup above `directory`, top-down, so that it gets all controllers there
// are. One that cannot be enabled is no error yet, because nothing may need it: answers the reasons as text, or "".
[[nodiscard]] std::string enable_controllers(Directory& directory);

}  // namespace agentsafe::cgroup
