// Hands a seccomp notification descriptor to its agent. Source: config-linux.md#seccomp (listenerPath).
#pragma once
#include <string>

#include "runtime/base/unique_fd.h"

namespace agentsafe::security {

// Connects to the agent's AF_UNIX stream socket and sends `state` (JSON) with the descriptor in one message.
void send_to_agent(const std::string& path, const std::string& state, FdRef listener);

}  // namespace agentsafe::security
