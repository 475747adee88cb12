// Hands a descriptor to whoever asked for it: --console-socket gets the pty's master, --pidfd-socket a pidfd.
// One connection, one message, one SCM_RIGHTS descriptor, then the end: what containerd, CRI-O and conmon expect.
//
//   send_fd("/run/engine/console.sock", "/dev/pts/0", master);
//   send_fd(request.pidfd_socket, "standard", launched.init.pidfd);    // exec: "setns"
#pragma once
#include <string>

#include "runtime/base/unique_fd.h"

namespace agentsafe::container {

// name: 1 to 4095 bytes, sent as the message's text. Waits at most ten seconds for a receiver that does not accept.
// Throws Error naming the socket.
void send_fd(const std::string& socket_path, const std::string& name, FdRef fd);

}  // namespace agentsafe::container
