#include "runtime/net/netlink.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"
#include "runtime/sys/unix_socket.h"

namespace agentsafe::net {
namespace {

constexpr std::size_t first_message = 496;  // most are shorter; what malloc adds makes it a power of two
constexpr std::size_t largest_message = 8192;
constexpr std::size_t largest_answer = 32768;  // what the kernel fills at most in a dump

UniqueFd bound_socket(int protocol) {
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
  sockaddr_nl any{};
  any.nl_family = AF_NETLINK;
  if (!fd || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0)
    fail_errno("open a netlink socket");
  return fd;
}

mnl_socket* adopt(UniqueFd fd) {
  const int on = 1;
  // errors in words (Linux 4.12), without our own message in them
  ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
  ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  mnl_socket* const socket = mnl_socket_fdopen(fd.get());
  if (socket == nullptr) fail_errno("open a netlink socket");
  static_cast<void>(fd.release());
  return socket;
}

// In the helper: the socket, or why there is none.
int make_inside(FdRef netns, FdRef parent) {
  try {
    sys::setns(netns, CLONE_NEWNET);
    const UniqueFd socket = bound_socket(NETLINK_ROUTE);
    sys::send_message(parent, "made", {socket.get()});
    return 0;
  } catch (const Error& error) {
    sys::send_message(parent, error.message());
    return 1;
  }
}

// Throws when the answer is an error; a plain acknowledgement is error 0.
void check_acknowledged(const nlmsghdr* answer) {
  const auto* const error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(answer));
  if (error->error == 0) return;
  std::string words = errno_text(-error->error);
  if ((answer->nlmsg_flags & NLM_F_ACK_TLVS) != 0)
    for_each_attribute<nlmsgerr>(answer, [&](const nlattr* attribute) {
      if (mnl_attr_get_type(attribute) != NLMSGERR_ATTR_MSG) return;
      words += " (" + text::escaped(mnl_attr_get_str(attribute)) + ")";
    });
  throw Error(words, -error->error);
}

}  // namespace

Message::Message(std::uint16_t type, std::uint16_t flags) : bytes_(first_message) {
  nlmsghdr* const start = mnl_nlmsg_put_header(bytes_.data());
  start->nlmsg_type = type;
  start->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
}

nlmsghdr* Message::header() { return reinterpret_cast<nlmsghdr*>(bytes_.data()); }

void Message::make_room(std::size_t size) {
  const std::size_t wanted = header()->nlmsg_len + NLMSG_ALIGN(size) + NLA_HDRLEN;
  if (wanted <= bytes_.size()) return;
  if (wanted > largest_message) fail("a netlink message of more than 8 KiB");
  bytes_.resize(std::min(std::max(wanted, 2 * bytes_.size()), largest_message));
}

void* Message::extend(std::size_t size) {
  make_room(size);
  return mnl_nlmsg_put_extra_header(header(), size);
}

void Message::put_bytes(std::uint16_t attribute, std::string_view bytes) {
  make_room(bytes.size());
  mnl_attr_put(header(), attribute, bytes.size(), bytes.data());
}

void Message::put(std::uint16_t attribute, const std::string& text) {
  put_bytes(attribute, {text.c_str(), text.size() + 1});
}

void Message::put(std::uint16_t attribute, std::uint32_t number) {
  put_bytes(attribute, {reinterpret_cast<const char*>(&number), sizeof number});
}

Nest::Nest(Message& message, std::uint16_t attribute) : message_(message), start_(message.header()->nlmsg_len) {
  message.make_room(0);
  mnl_attr_nest_start(message.header(), attribute);
}

Nest::~Nest() { mnl_attr_nest_end(message_.header(), reinterpret_cast<nlattr*>(message_.bytes_.data() + start_)); }

void for_each_attribute_behind(std::size_t header_size, const nlmsghdr* answer,
                               const std::function<void(const nlattr*)>& each) {
  const auto call = [](const nlattr* attribute, void* function) {
    (*static_cast<const std::function<void(const nlattr*)>*>(function))(attribute);
    return MNL_CB_OK;
  };
  mnl_attr_parse(answer, static_cast<unsigned>(header_size), call, const_cast<void*>(static_cast<const void*>(&each)));
}

void Netlink::Close::operator()(mnl_socket* socket) const { mnl_socket_close(socket); }

Netlink::Netlink(int protocol) : socket_(adopt(bound_socket(protocol))) {}

Netlink Netlink::inside(FdRef netns) {
  const auto [ours, theirs] = sys::socketpair(SOCK_SEQPACKET);
  const FdRef helpers_end = theirs;
  const sys::Child helper = sys::clone3({.shares_memory = true}, [&] { return make_inside(netns, helpers_end); });
  sys::wait(helper.pidfd);  // it does not wait for us: its one message fits the socket
  if (!sys::wait_readable(ours, std::chrono::milliseconds(0)))
    fail("the helper inside the network namespace was killed");
  auto answer = sys::receive_message(ours);
  if (answer.fds.size() != 1) fail(answer.bytes);
  return Netlink(adopt(std::move(answer.fds.front())));
}

void Netlink::ask(Message& message, const std::function<void(const nlmsghdr*)>& each) {
  message.header()->nlmsg_flags = static_cast<std::uint16_t>(message.header()->nlmsg_flags | NLM_F_ACK);
  Answers answers;
  exchange(message, answers);
  for (const auto& answer : answers) each(reinterpret_cast<const nlmsghdr*>(answer.data()));
}

void Netlink::dump(Message& message, const std::function<void(const nlmsghdr*)>& each) {
  message.header()->nlmsg_flags = static_cast<std::uint16_t>(message.header()->nlmsg_flags | NLM_F_DUMP);
  Answers answers;
  while (!exchange(message, answers)) answers.clear();
  for (const auto& answer : answers) each(reinterpret_cast<const nlmsghdr*>(answer.data()));
}

// The kernel has answered everything by the time that sendto returns.
void Netlink::collect_acknowledgements(std::size_t awaited, std::uint32_t first, const About& about) {
  constexpr std::size_t at_once = 64;
  constexpr std::size_t largest = 512;  // an acknowledgement has no more than a text and numbers
  const auto bytes = std::make_unique_for_overwrite<char[]>(at_once * largest);
  std::array<iovec, at_once> places{};
  std::array<mmsghdr, at_once> answers{};
  for (std::size_t i = 0; i < at_once; ++i) {
    places[i] = {bytes.get() + i * largest, largest};
    answers[i].msg_hdr.msg_iov = &places[i];
    answers[i].msg_hdr.msg_iovlen = 1;
  }
  while (awaited > 0) {
    const auto most = static_cast<unsigned>(std::min(awaited, at_once));
    const int count = ::recvmmsg(mnl_socket_get_fd(socket_.get()), answers.data(), most, MSG_DONTWAIT, nullptr);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno != EAGAIN) fail_errno("receive from the kernel");
    if (count <= 0) fail("the kernel has not answered every message of the batch");
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
      const auto* const answer = static_cast<const nlmsghdr*>(places[i].iov_base);
      if (!mnl_nlmsg_ok(answer, static_cast<int>(answers[i].msg_len)) || answer->nlmsg_type != NLMSG_ERROR)
        fail("the kernel's answer to a batch is no acknowledgement");
      try {
        check_acknowledged(answer);
      } catch (Error& error) {
        error.add_context(about(answer->nlmsg_seq - first, answer));
        throw;
      }
    }
    awaited -= static_cast<std::size_t>(count);
  }
}

void Netlink::batch(std::span<Message* const> messages, const About& about) {
  const FdRef fd(mnl_socket_get_fd(socket_.get()));
  const int room = 4 << 20;  // of the memory that each message, and each answer, takes
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
  std::string bytes;
  std::size_t size = 0;
  for (auto* const message : messages) size += message->header()->nlmsg_len;
  bytes.reserve(size);
  std::size_t awaited = 0;
  const std::uint32_t first = sequence_;
  for (auto* const message : messages) {
    nlmsghdr* const header = message->header();
    header->nlmsg_seq = sequence_++;
    if ((header->nlmsg_flags & NLM_F_ACK) != 0) ++awaited;
    bytes.append(reinterpret_cast<const char*>(header), header->nlmsg_len);
  }
  if (mnl_socket_sendto(socket_.get(), bytes.data(), bytes.size()) < 0) fail_errno("send a batch to the kernel");
  collect_acknowledgements(awaited, first, about);
}

// False when a dump was interrupted by a change.
bool Netlink::exchange(Message& message, Answers& answers) {
  nlmsghdr* const question = message.header();
  question->nlmsg_seq = sequence_++;
  if (mnl_socket_sendto(socket_.get(), question, question->nlmsg_len) < 0) fail_errno("send to the kernel");
  const auto buffer = std::make_unique_for_overwrite<char[]>(largest_answer);
  bool whole = true;
  for (;;) {
    const ssize_t n = mnl_socket_recvfrom(socket_.get(), buffer.get(), largest_answer);
    if (n < 0) fail_errno("receive from the kernel");
    int left = static_cast<int>(n);
    for (const auto* answer = reinterpret_cast<const nlmsghdr*>(buffer.get()); mnl_nlmsg_ok(answer, left);
         answer = mnl_nlmsg_next(answer, &left)) {
      if (answer->nlmsg_seq != question->nlmsg_seq) continue;
      if ((answer->nlmsg_flags & NLM_F_DUMP_INTR) != 0) whole = false;
      if (answer->nlmsg_type == NLMSG_ERROR) check_acknowledged(answer);
      if (answer->nlmsg_type == NLMSG_ERROR || answer->nlmsg_type == NLMSG_DONE) return whole;
      answers.emplace_back(reinterpret_cast<const char*>(answer), answer->nlmsg_len);
    }
  }
}

}  // namespace agentsafe::net
