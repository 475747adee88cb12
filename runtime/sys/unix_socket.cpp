#include "runtime/sys/unix_socket.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "runtime/base/error.h"
#include "runtime/base/scope.h"
#include "runtime/sys/fd.h"

namespace agentsafe::sys {
namespace {

constexpr std::size_t longest_path = sizeof(sockaddr_un::sun_path) - 1;
constexpr std::size_t most_fds = 8;

struct Address {
  sockaddr_un name{};
  socklen_t length = 0;
};

// '@' first means the abstract namespace, whose names are not terminated.
Address address_of(const std::string& path) {
  if (path.empty()) fail("the path is empty");
  if (path.size() > longest_path) fail("the name is longer than " + std::to_string(longest_path) + " bytes");
  Address address;
  address.name.sun_family = AF_UNIX;
  std::memcpy(address.name.sun_path, path.data(), path.size());
  address.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  if (path.front() == '@') {
    address.name.sun_path[0] = '\0';
  } else {
    ++address.length;
  }
  return address;
}

UniqueFd unix_socket(int type) {
  UniqueFd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  if (!socket) fail_errno("make a unix socket");
  return socket;
}

void limit_sending(FdRef socket, std::chrono::milliseconds limit) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limit);
  const std::chrono::microseconds rest = limit - seconds;
  const timeval time{seconds.count(), rest.count()};
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time) != 0) fail_errno("set SO_SNDTIMEO");
}

void connect_to(FdRef socket, const std::string& path) {
  const Address address = address_of(path);
  while (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address.name), address.length) != 0) {
    if (errno == EAGAIN) fail("connect: nobody accepts connections (timed out)");
    if (errno != EINTR) fail_errno("connect");
  }
}

void connect_any(FdRef socket, const std::string& path) {
  if (path.size() <= longest_path || path.front() == '@') return connect_to(socket, path);
  const UniqueFd file = openat(at_cwd, path, O_PATH);
  connect_to(socket, proc_path(file));
}

}  // namespace

UniqueFd connect_unix(const std::string& path, int type, std::chrono::milliseconds limit) {
  return in_context("socket " + path, [&] {
    UniqueFd socket = unix_socket(type);
    limit_sending(socket, limit);
    connect_any(socket, path);
    return socket;
  });
}

UniqueFd bind_unix_datagram(FdRef dir, const std::string& name, mode_t mode) {
  return in_context("socket " + name, [&] {
    UniqueFd socket = unix_socket(SOCK_DGRAM);
    // A chmod after the bind would follow whatever has taken the name meanwhile: the mode is set before.
    if (::fchmod(socket.get(), mode) != 0) fail_errno("set the mode");
    const mode_t mask = ::umask(0);
    const OnExit restore([&] { ::umask(mask); });
    unlinkat(dir, name);
    const Address address = address_of(proc_path(dir) + "/" + name);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address.name), address.length) != 0)
      fail_errno("bind");
    return socket;
  });
}

void send_message(FdRef socket, std::string_view bytes, const std::vector<int>& fds) {
  if (bytes.empty() || fds.size() > most_fds) fail("a message of no bytes or more than 8 descriptors");
  iovec data{const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(most_fds * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    std::memcpy(CMSG_DATA(header), fds.data(), fds.size() * sizeof(int));
  }
  for (;;) {
    const ssize_t n = ::sendmsg(socket.get(), &message, MSG_NOSIGNAL);
    if (n == static_cast<ssize_t>(bytes.size())) return;
    if (n >= 0) fail("sendmsg: only a part was sent");
    if (errno == EAGAIN) fail("sendmsg: nobody receives (timed out)");
    if (errno != EINTR) fail_errno("sendmsg");
  }
}

Received receive_message(FdRef socket) {
  Received received;
  received.bytes.resize(4096);
  iovec data{received.bytes.data(), received.bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(most_fds * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t n = -1;
  while ((n = ::recvmsg(socket.get(), &message, MSG_CMSG_CLOEXEC)) < 0)
    if (errno != EINTR) fail_errno("recvmsg");
  received.bytes.resize(static_cast<std::size_t>(n));
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
      received.fds.emplace_back(fd);
    }
  }
  return received;
}

}  // namespace agentsafe::sys
