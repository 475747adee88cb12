#include "runtime/net/link.h"

#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <optional>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/net/netlink.h"
#include "runtime/sys/fd.h"

namespace agentsafe::net {
namespace {

struct Link {
  int index = 0;
  std::string name;
  bool up = false;
};

struct Address {
  ifaddrmsg header{};
  std::uint32_t flags = 0;
  std::vector<std::pair<std::uint16_t, std::string>> attributes;  // those of kept_attributes that it has
};

// What says which address it is; the label (the old device's name) and the state (IFA_F_TENTATIVE …) are not kept.
constexpr std::uint16_t kept_attributes[] = {IFA_ADDRESS, IFA_LOCAL, IFA_BROADCAST, IFA_CACHEINFO, IFA_RT_PRIORITY};
constexpr std::uint32_t kept_flags =
    IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR | IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN;

constexpr std::string_view number_mark = "%d";

std::string quoted(const std::string& name) { return "\"" + text::escaped(name) + "\""; }

std::vector<Link> links(Netlink& netlink) {
  std::vector<Link> found;
  Message message(RTM_GETLINK);
  message.payload<ifinfomsg>();
  netlink.dump(message, [&](const nlmsghdr* answer) {
    const auto* const info = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(answer));
    for_each_attribute<ifinfomsg>(answer, [&](const nlattr* attribute) {
      if (mnl_attr_get_type(attribute) == IFLA_IFNAME) found.push_back({info->ifi_index, mnl_attr_get_str(attribute), (info->ifi_flags & IFF_UP) != 0});
    });
  });
  return found;
}

std::optional<Link> find(const std::vector<Link>& links, const std::string& name) {
  const auto found = std::ranges::find(links, name, &Link::name);
  return found == links.end() ? std::nullopt : std::optional(*found);
}

Address address_in(const nlmsghdr* answer) {
  Address address{*static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(answer)), 0, {}};
  address.flags = address.header.ifa_flags;
  for_each_attribute<ifaddrmsg>(answer, [&](const nlattr* attribute) {
    const std::uint16_t type = mnl_attr_get_type(attribute);
    if (type == IFA_FLAGS) address.flags = mnl_attr_get_u32(attribute);
    if (std::ranges::find(kept_attributes, type) == std::end(kept_attributes)) return;
    const auto* const bytes = static_cast<const char*>(mnl_attr_get_payload(attribute));
    address.attributes.emplace_back(type, std::string(bytes, mnl_attr_get_payload_len(attribute)));
  });
  return address;
}

// Moving a device makes the kernel forget its addresses.
std::vector<Address> permanent_addresses(Netlink& netlink, const Link& link) {
  std::vector<Address> addresses;
  Message message(RTM_GETADDR);
  message.payload<ifaddrmsg>();
  netlink.dump(message, [&](const nlmsghdr* answer) {
    const Address address = address_in(answer);
    const bool of_link = static_cast<int>(address.header.ifa_index) == link.index;
    const bool global = address.header.ifa_scope == RT_SCOPE_UNIVERSE;
    if (of_link && global && (address.flags & IFA_F_PERMANENT) != 0) addresses.push_back(address);
  });
  return addresses;
}

void move_link(Netlink& from, const Link& link, const std::string& wanted, FdRef netns) {
  Message message(RTM_NEWLINK);
  message.payload<ifinfomsg>().ifi_index = link.index;
  message.put(IFLA_NET_NS_FD, static_cast<std::uint32_t>(netns.get()));
  message.put(IFLA_IFNAME, wanted);
  from.request(message);
}

// The kernel does not say which number it has chosen.
Link find_moved(Netlink& inside, const std::vector<Link>& before, const std::string& wanted) {
  for (const auto& link : links(inside))
    if (!find(before, link.name) && matches(link.name, wanted)) return link;
  fail("it is not there after the move");
}

void add_address(Netlink& inside, const Link& link, const Address& address) {
  Message message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
  auto& header = message.payload<ifaddrmsg>();
  header = address.header;
  header.ifa_index = static_cast<unsigned>(link.index);
  header.ifa_flags = 0;
  message.put(IFA_FLAGS, address.flags & kept_flags);
  for (const auto& [type, bytes] : address.attributes) message.put_bytes(type, bytes);
  inside.request(message);
}

void bring_up(Netlink& inside, const Link& link) {
  Message message(RTM_NEWLINK);
  auto& header = message.payload<ifinfomsg>();
  header.ifi_index = link.index;
  header.ifi_change = IFF_UP;
  header.ifi_flags = IFF_UP;
  inside.request(message);
}

// The device goes the way back; what became of it inside (another name, other addresses) does not matter.
void give_back(FdRef from, FdRef to, const Link& was, int index, const std::vector<Address>& addresses) {
  Netlink inside = Netlink::inside(from);
  Netlink host = Netlink::inside(to);
  move_link(inside, {index, {}, false}, was.name, to);
  const auto back = find(links(host), was.name);
  if (!back) fail("it is not there after the move");
  for (const auto& address : addresses) add_address(host, *back, address);
  if (was.up) bring_up(host, *back);
}

}  // namespace

bool matches(std::string_view name, std::string_view wanted) {
  const auto mark = wanted.find(number_mark);
  if (mark == std::string_view::npos) return name == wanted;
  const auto before = wanted.substr(0, mark);
  const auto after = wanted.substr(mark + number_mark.size());
  if (name.size() <= before.size() + after.size()) return false;
  const auto number = name.substr(before.size(), name.size() - before.size() - after.size());
  return name.starts_with(before) && name.ends_with(after) && text::parse<unsigned>(number).has_value();
}

void MovedDevices::move_device(const std::string& name, const std::string& wanted) {
  if (wanted.size() >= IFNAMSIZ) fail("the name " + quoted(wanted) + " is longer than 15 bytes");
  Netlink host;
  Netlink inside = Netlink::inside(inside_);
  const auto link = find(links(host), name);
  if (!link) fail("there is no such device on the host");
  const auto before = links(inside);
  if (find(before, wanted)) fail("the name " + quoted(wanted) + " is taken in the container's network namespace");
  const auto addresses = permanent_addresses(host, *link);
  in_context("move it into the container's network namespace as " + quoted(wanted),
             [&] { move_link(host, *link, wanted, inside_); });
  const Link moved = find_moved(inside, before, wanted);
  undo_.emplace_back([from = FdRef(inside_), to = FdRef(host_), was = *link, index = moved.index, addresses] {
    give_back(from, to, was, index, addresses);
  });
  in_context("give it its addresses again", [&] {
    for (const auto& address : addresses) add_address(inside, moved, address);
  });
  in_context("bring it up", [&] { bring_up(inside, moved); });
}

MovedDevices::~MovedDevices() {
  for (auto undo = undo_.rbegin(); undo != undo_.rend(); ++undo) {
    try {
      (*undo)();
    } catch (...) {  // an undo has nobody to report to: the error that caused it is already on its way up
    }
  }
}

void MovedDevices::move(const std::map<std::string, oci::NetDevice>& devices, FdRef netns) {
  inside_ = sys::duplicate(netns);
  host_ = sys::openat(sys::at_cwd, "/proc/self/ns/net", O_RDONLY);
  for (const auto& entry : devices) {
    const auto& name = entry.first;
    const auto& wanted = entry.second.name.empty() ? name : entry.second.name;
    in_context("network device " + quoted(name), [&] { move_device(name, wanted); });
  }
}

void MovedDevices::move(const std::map<std::string, oci::NetDevice>& devices, pid_t init) {
  move(devices, sys::openat(sys::at_cwd, "/proc/" + std::to_string(init) + "/ns/net", O_RDONLY));
}

}  // namespace agentsafe::net
