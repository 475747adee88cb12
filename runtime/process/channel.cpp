#include "runtime/process/channel.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "runtime/base/error.h"

namespace agentsafe::process {
namespace {

constexpr std::size_t max_fds = 3;
constexpr std::size_t max_text = 64U << 10;
constexpr std::size_t header_size = sizeof(Kind) + sizeof(std::int32_t);

// Without descriptors plain write(2) does: after the seccomp filter nothing else may be allowed.
ssize_t send_packet(FdRef socket, std::string& packet, const std::vector<int>& fds) {
  if (fds.empty()) return ::write(socket.get(), packet.data(), packet.size());
  iovec part{packet.data(), packet.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(max_fds * sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
  std::memcpy(CMSG_DATA(header), fds.data(), fds.size() * sizeof(int));
  return ::sendmsg(socket.get(), &message, MSG_NOSIGNAL);
}

std::vector<UniqueFd> take_fds(msghdr& message) {
  std::vector<UniqueFd> fds;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
      fds.emplace_back(fd);
    }
  }
  return fds;
}

}  // namespace

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::cloned: return "cloned";
    case Kind::need_maps: return "need-maps";
    case Kind::maps_written: return "maps-written";
    case Kind::mounted: return "mounted";
    case Kind::proceed: return "continue";
    case Kind::ready: return "ready";
    case Kind::listener: return "listener";
    case Kind::created: return "created";
    case Kind::warning: return "warning";
    case Kind::debug: return "debug";
    case Kind::failed: return "failed";
  }
  return "unknown";
}

void Channel::send(Kind kind, std::int32_t number, const std::string& text, const std::vector<int>& fds) {
  std::string packet(header_size, '\0');
  std::memcpy(packet.data(), &kind, sizeof kind);
  std::memcpy(packet.data() + sizeof kind, &number, sizeof number);
  packet += text.substr(0, max_text - header_size);
  ssize_t sent = -1;
  do sent = send_packet(socket_, packet, fds);
  while (sent < 0 && errno == EINTR);
  if (sent < 0) fail_errno(std::string("send ") + name_of(kind));
}

std::optional<Message> Channel::receive() {
  for (;;) {
    auto message = receive_any();
    if (!message || message->kind != Kind::debug) return message;
    if (on_debug_) on_debug_(message->text);
  }
}

std::optional<Message> Channel::receive_any() {
  static std::array<char, max_text> packet;  // not on the heap: only the pages that a message fills are touched
  iovec part{packet.data(), packet.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(max_fds * sizeof(int))> control{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  ssize_t size = -1;
  do size = ::recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC);
  while (size < 0 && errno == EINTR);
  if (size < 0 && errno != ECONNRESET) fail_errno("receive a message");
  if (size <= 0) return std::nullopt;
  Message message;
  message.fds = take_fds(header);
  const std::string_view bytes(packet.data(), static_cast<std::size_t>(size));
  if (bytes.size() < header_size) fail("receive a message: it is too short");
  std::memcpy(&message.kind, bytes.data(), sizeof message.kind);
  std::memcpy(&message.number, bytes.data() + sizeof message.kind, sizeof message.number);
  message.text = bytes.substr(header_size);
  return message;
}

std::optional<Message> Channel::next() {
  if (early_.empty()) return receive();
  Message first = std::move(early_.front());
  early_.erase(early_.begin());
  return first;
}

Message Channel::expect(Kind kind) {
  for (;;) {
    auto message = next();
    if (!message) throw Error(std::string("the other process ended before it said ") + name_of(kind), ECONNRESET);
    if (message->kind == Kind::failed) throw Error(message->text, message->number);
    if (message->kind == kind) return std::move(*message);
    if (message->kind != Kind::warning)
      fail(std::string("expected the message ") + name_of(kind) + ", got " + name_of(message->kind));
    warnings_.push_back(std::move(message->text));
  }
}

Message Channel::await(Kind kind, Kind other) {
  for (std::vector<Message> passed;;) {
    auto message = receive();
    if (!message) throw Error(std::string("the other process ended before it said ") + name_of(kind), ECONNRESET);
    if (message->kind == Kind::failed) throw Error(message->text, message->number);
    if (message->kind == kind || message->kind == other) {
      for (auto& early : passed) early_.push_back(std::move(early));
      return std::move(*message);
    }
    passed.push_back(std::move(*message));
  }
}

}  // namespace agentsafe::process
