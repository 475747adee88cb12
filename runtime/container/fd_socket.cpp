#include "runtime/container/fd_socket.h"

#include "runtime/base/error.h"
#include "runtime/sys/unix_socket.h"

namespace agentsafe::container {
namespace {

constexpr std::chrono::seconds patience{10};
constexpr std::size_t longest_name = 4095;  // receivers read into one page

}  // namespace

void send_fd(const std::string& socket_path, const std::string& name, FdRef fd) {
  in_context("send " + name + " to " + socket_path, [&] {
    if (name.empty() || name.size() > longest_name) fail("the name must have 1 to 4095 bytes");
    const UniqueFd socket = sys::connect_unix(socket_path, SOCK_STREAM, patience);
    sys::send_message(socket, name, {fd.get()});
  });
}

}  // namespace agentsafe::container
