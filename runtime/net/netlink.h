// A netlink socket and its messages, through libmnl. Source: rtnetlink(7), netlink(7), libmnl.
//
//   Netlink netlink;
//   Message message(RTM_NEWLINK);
//   message.payload<ifinfomsg>().ifi_index = index;
//   message.put(IFLA_IFNAME, "eth0");
//   netlink.request(message);                 // throws "file exists", with the kernel's own words when it has any
#pragma once
#include <linux/netlink.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/unique_fd.h"

struct mnl_socket;

namespace agentsafe::net {

class Message {
 public:
  explicit Message(std::uint16_t type, std::uint16_t flags = 0);
  // The family's header, zeroed; once, before the attributes, and to be filled in before them.
  template <class Payload>
  Payload& payload() {
    return *static_cast<Payload*>(extend(sizeof(Payload)));
  }
  // Attributes; throw when the message would grow beyond 8 KiB.
  void put(std::uint16_t attribute, const std::string& text);
  void put(std::uint16_t attribute, std::uint32_t number);
  void put_bytes(std::uint16_t attribute, std::string_view bytes);
  [[nodiscard]] nlmsghdr* header();
  [[nodiscard]] const nlmsghdr* header() const { return const_cast<Message*>(this)->header(); }

 private:
  friend class Nest;
  void* extend(std::size_t size);
  void make_room(std::size_t size);
  std::vector<char> bytes_;
};

// An attribute that holds those which are put while it lives.
class Nest {
 public:
  Nest(Message& message, std::uint16_t attribute);
  Nest(const Nest&) = delete;
  Nest& operator=(const Nest&) = delete;
  ~Nest();

 private:
  Message& message_;
  std::size_t start_;
};

// Calls `each` for every attribute of an answer; they come after the family's header.
void for_each_attribute_behind(std::size_t header_size, const nlmsghdr* answer,
                               const std::function<void(const nlattr*)>& each);
template <class Payload>
void for_each_attribute(const nlmsghdr* answer, const std::function<void(const nlattr*)>& each) {
  for_each_attribute_behind(sizeof(Payload), answer, each);
}

class Netlink {
 public:
  explicit Netlink(int protocol = NETLINK_ROUTE);  // in our network namespace
  // In another one. A socket stays in the namespace that it was made in: a helper process enters it, makes the socket
  // and hands it over; we ourselves never change namespaces.
  [[nodiscard]] static Netlink inside(FdRef netns);

  // Sends, and waits for the kernel's answer; throws Error with its errno.
  void request(Message& message) {
    ask(message, [](const nlmsghdr*) {});
  }
  // The same; calls `each` for what came before the acknowledgement.
  void ask(Message& message, const std::function<void(const nlmsghdr*)>& each);
  // One datagram, whose messages ask for acknowledgements by NLM_F_ACK and are taken together or not at all. Throws the
  // first error, behind what `about` says of the message (its place in `messages`, and the kernel's answer).
  using About = std::function<std::string(std::size_t, const nlmsghdr* answer)>;
  void batch(std::span<Message* const> messages, const About& about);
  // NLM_F_DUMP: calls `each` for every answer; begins anew when the kernel says that things changed meanwhile.
  void dump(Message& message, const std::function<void(const nlmsghdr*)>& each);

 private:
  struct Close {
    void operator()(mnl_socket* socket) const;
  };
  explicit Netlink(mnl_socket* socket) : socket_(socket) {}
  using Answers = std::vector<std::string>;
  bool exchange(Message& message, Answers& answers);
  void collect_acknowledgements(std::size_t awaited, std::uint32_t first, const About& about);
  std::unique_ptr<mnl_socket, Close> socket_;
  std::uint32_t sequence_ = 1;
};

}  // namespace agentsafe::net
