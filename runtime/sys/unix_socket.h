// Sockets of the unix family by path. Source: unix(7).
//
//   UniqueFd socket = sys::connect_unix("/run/engine/console.sock", SOCK_STREAM, std::chrono::seconds(10));
//   sys::send_message(socket, "/dev/pts/0", {master.get()});
//
// A path longer than the 107 bytes of sun_path is reached through a descriptor. All throw Error naming the socket's path
// or the call.
#pragma once
#include <sys/socket.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/unique_fd.h"

namespace agentsafe::sys {

// type: SOCK_STREAM, SOCK_SEQPACKET or SOCK_DGRAM. A name that begins with '@' is in the abstract namespace.
// `limit` holds for the connect (a full queue of connections) and for every later send.
UniqueFd connect_unix(const std::string& path, int type, std::chrono::milliseconds limit);

// Binds a datagram socket at dir/name, with exactly `mode`; a socket that was left there is replaced.
UniqueFd bind_unix_datagram(FdRef dir, const std::string& name, mode_t mode);

// One sendmsg(2) of all the bytes, which must not be none, with `fds` as one SCM_RIGHTS message (at most 8).
void send_message(FdRef socket, std::string_view bytes, const std::vector<int>& fds = {});

struct Received {
  std::string bytes;  // at most 4096; none at the end of a stream
  std::vector<UniqueFd> fds;
};
// The next message, with its descriptors (close-on-exec).
Received receive_message(FdRef socket);

}  // namespace agentsafe::sys
