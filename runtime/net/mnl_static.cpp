// libmnl's functions that we use: the program is static, because linking at each start costs 0.75 ms and 1.2 MB. Debian 12
// has no static libmnl, and that of Debian 13 prints messages in the same objects, with stdio and <ctype.h>, which bring
// the locales along. The interface is libmnl's own header, and a function of it that is missing here is an error of the
// linker. Layout: netlink(7), Documentation/userspace-api/netlink.
#include <libmnl/libmnl.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <new>

struct mnl_socket {
  int fd;
};

namespace {

template <class T>
T* at(void* start, std::size_t offset) {
  return reinterpret_cast<T*>(static_cast<char*>(start) + offset);
}
template <class T>
T* at(const void* start, std::size_t offset) {  // libmnl gives out pointers to change what was given as const
  return at<T>(const_cast<void*>(start), offset);
}

template <class T>
T number_of(const nlattr* attr) {
  T value;
  std::memcpy(&value, mnl_attr_get_payload(attr), sizeof value);  // 64 bits are not aligned in a message
  return value;
}

nlattr* tail(nlmsghdr* nlh) { return at<nlattr>(nlh, MNL_ALIGN(nlh->nlmsg_len)); }

}  // namespace

extern "C" {

// --- sockets ---------------------------------------------------------------------------------------------------------

mnl_socket* mnl_socket_fdopen(int fd) { return new (std::nothrow) mnl_socket{fd}; }

int mnl_socket_close(mnl_socket* nl) {
  const int result = ::close(nl->fd);
  delete nl;
  return result;
}

int mnl_socket_get_fd(const mnl_socket* nl) { return nl->fd; }

ssize_t mnl_socket_sendto(const mnl_socket* nl, const void* req, size_t siz) {
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  return ::sendto(nl->fd, req, siz, 0, reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel);
}

// Only what the kernel itself has sent, and only whole.
ssize_t mnl_socket_recvfrom(const mnl_socket* nl, void* buf, size_t siz) {
  sockaddr_nl from{};
  iovec part{buf, siz};
  msghdr message{};
  message.msg_name = &from;
  message.msg_namelen = sizeof from;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  const ssize_t received = ::recvmsg(nl->fd, &message, 0);
  if (received < 0) return received;
  const bool whole = (message.msg_flags & MSG_TRUNC) == 0;
  if (whole && message.msg_namelen == sizeof from && from.nl_pid == 0) return received;
  errno = whole ? EINVAL : ENOSPC;
  return -1;
}

// --- messages --------------------------------------------------------------------------------------------------------

nlmsghdr* mnl_nlmsg_put_header(void* buf) {
  auto* const header = new (buf) nlmsghdr{};
  header->nlmsg_len = MNL_NLMSG_HDRLEN;
  return header;
}

void* mnl_nlmsg_put_extra_header(nlmsghdr* nlh, size_t size) {
  void* const place = tail(nlh);
  const std::size_t aligned = MNL_ALIGN(size);
  std::memset(place, 0, aligned);
  nlh->nlmsg_len += static_cast<std::uint32_t>(aligned);
  return place;
}

void* mnl_nlmsg_get_payload(const nlmsghdr* nlh) { return at<void>(nlh, MNL_NLMSG_HDRLEN); }
size_t mnl_nlmsg_get_payload_len(const nlmsghdr* nlh) { return nlh->nlmsg_len - MNL_NLMSG_HDRLEN; }
void* mnl_nlmsg_get_payload_offset(const nlmsghdr* nlh, size_t offset) {
  return at<void>(nlh, MNL_NLMSG_HDRLEN + MNL_ALIGN(offset));
}
void* mnl_nlmsg_get_payload_tail(const nlmsghdr* nlh) { return at<void>(nlh, MNL_ALIGN(nlh->nlmsg_len)); }

bool mnl_nlmsg_ok(const nlmsghdr* nlh, int len) {
  return len >= static_cast<int>(sizeof *nlh) && nlh->nlmsg_len >= sizeof *nlh &&
         static_cast<int>(nlh->nlmsg_len) <= len;
}

nlmsghdr* mnl_nlmsg_next(const nlmsghdr* nlh, int* len) {
  const std::size_t aligned = MNL_ALIGN(nlh->nlmsg_len);
  *len -= static_cast<int>(aligned);
  return at<nlmsghdr>(nlh, aligned);
}

// --- attributes ------------------------------------------------------------------------------------------------------

uint16_t mnl_attr_get_type(const nlattr* attr) { return attr->nla_type & NLA_TYPE_MASK; }
uint16_t mnl_attr_get_len(const nlattr* attr) { return attr->nla_len; }
uint16_t mnl_attr_get_payload_len(const nlattr* attr) { return static_cast<uint16_t>(attr->nla_len - MNL_ATTR_HDRLEN); }
void* mnl_attr_get_payload(const nlattr* attr) { return at<void>(attr, MNL_ATTR_HDRLEN); }
uint8_t mnl_attr_get_u8(const nlattr* attr) { return number_of<uint8_t>(attr); }
uint16_t mnl_attr_get_u16(const nlattr* attr) { return number_of<uint16_t>(attr); }
uint32_t mnl_attr_get_u32(const nlattr* attr) { return number_of<uint32_t>(attr); }
uint64_t mnl_attr_get_u64(const nlattr* attr) { return number_of<uint64_t>(attr); }
const char* mnl_attr_get_str(const nlattr* attr) { return at<const char>(attr, MNL_ATTR_HDRLEN); }

bool mnl_attr_ok(const nlattr* attr, int len) {
  return len >= static_cast<int>(sizeof *attr) && attr->nla_len >= sizeof *attr &&
         static_cast<int>(attr->nla_len) <= len;
}
nlattr* mnl_attr_next(const nlattr* attr) { return at<nlattr>(attr, MNL_ALIGN(attr->nla_len)); }

void mnl_attr_put(nlmsghdr* nlh, uint16_t type, size_t len, const void* data) {
  nlattr* const attribute = tail(nlh);
  const std::size_t size = MNL_ATTR_HDRLEN + len;
  attribute->nla_type = type;
  attribute->nla_len = static_cast<uint16_t>(size);
  std::memcpy(mnl_attr_get_payload(attribute), data, len);
  std::memset(at<char>(attribute, size), 0, MNL_ALIGN(size) - size);
  nlh->nlmsg_len += static_cast<std::uint32_t>(MNL_ALIGN(size));
}

bool mnl_attr_put_check(nlmsghdr* nlh, size_t buflen, uint16_t type, size_t len, const void* data) {
  if (nlh->nlmsg_len + MNL_ATTR_HDRLEN + MNL_ALIGN(len) > buflen || len > UINT16_MAX - MNL_ATTR_HDRLEN) return false;
  mnl_attr_put(nlh, type, len, data);
  return true;
}

void mnl_attr_put_u8(nlmsghdr* nlh, uint16_t type, uint8_t data) { mnl_attr_put(nlh, type, sizeof data, &data); }
void mnl_attr_put_u16(nlmsghdr* nlh, uint16_t type, uint16_t data) { mnl_attr_put(nlh, type, sizeof data, &data); }
void mnl_attr_put_u32(nlmsghdr* nlh, uint16_t type, uint32_t data) { mnl_attr_put(nlh, type, sizeof data, &data); }
void mnl_attr_put_u64(nlmsghdr* nlh, uint16_t type, uint64_t data) { mnl_attr_put(nlh, type, sizeof data, &data); }
void mnl_attr_put_str(nlmsghdr* nlh, uint16_t type, const char* data) {
  mnl_attr_put(nlh, type, std::strlen(data), data);
}
void mnl_attr_put_strz(nlmsghdr* nlh, uint16_t type, const char* data) {
  mnl_attr_put(nlh, type, std::strlen(data) + 1, data);
}

nlattr* mnl_attr_nest_start(nlmsghdr* nlh, uint16_t type) {
  nlattr* const start = tail(nlh);
  start->nla_type = static_cast<uint16_t>(NLA_F_NESTED | type);
  nlh->nlmsg_len += static_cast<std::uint32_t>(MNL_ATTR_HDRLEN);
  return start;
}
nlattr* mnl_attr_nest_start_check(nlmsghdr* nlh, size_t buflen, uint16_t type) {
  return nlh->nlmsg_len + MNL_ATTR_HDRLEN > buflen ? nullptr : mnl_attr_nest_start(nlh, type);
}
void mnl_attr_nest_end(nlmsghdr* nlh, nlattr* start) {
  start->nla_len = static_cast<uint16_t>(reinterpret_cast<char*>(tail(nlh)) - reinterpret_cast<char*>(start));
}

int mnl_attr_parse_payload(const void* payload, size_t payload_len, mnl_attr_cb_t cb, void* data) {
  const auto* attribute = static_cast<const nlattr*>(payload);
  int result = MNL_CB_OK;
  for (auto left = static_cast<int>(payload_len); result > MNL_CB_STOP && mnl_attr_ok(attribute, left);
       left -= static_cast<int>(MNL_ALIGN(attribute->nla_len)), attribute = mnl_attr_next(attribute))
    result = cb(attribute, data);
  return result;
}
int mnl_attr_parse(const nlmsghdr* nlh, unsigned int offset, mnl_attr_cb_t cb, void* data) {
  const std::size_t start = MNL_NLMSG_HDRLEN + MNL_ALIGN(offset);
  if (nlh->nlmsg_len < start) return MNL_CB_OK;
  return mnl_attr_parse_payload(at<void>(nlh, start), nlh->nlmsg_len - start, cb, data);
}
int mnl_attr_parse_nested(const nlattr* attr, mnl_attr_cb_t cb, void* data) {
  return mnl_attr_parse_payload(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr), cb, data);
}

}  // extern "C"
