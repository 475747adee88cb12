#include "runtime/net/nft_encode.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>

#include <algorithm>

namespace agentsafe::net::nft {
namespace {

constexpr std::uint16_t device_prefix = 2;                                          // NFTA_DEVICE_PREFIX, Linux 6.16
constexpr std::size_t usual_steps = 64;
constexpr int loopback_index = 1;                                                   // of every network namespace
constexpr std::uint32_t registers[] = {NFT_REG_1, NFT_REG32_01, NFT_REG32_02};      // IPv4 address, protocol, port
constexpr std::uint32_t registers_v6[] = {NFT_REG_1, NFT_REG_2, NFT_REG32_00 + 5};  // the address takes four

template <class Number>
std::string_view bytes_of(const Number& number) {
  return {reinterpret_cast<const char*>(&number), sizeof number};
}

void put_be32(Message& message, std::uint16_t attribute, std::uint32_t number) {
  message.put(attribute, htonl(number));
}

void put_be64(Message& message, std::uint16_t attribute, std::uint64_t number) {
  const std::uint64_t big = htobe64(number);
  message.put_bytes(attribute, bytes_of(big));
}

void put_data(Message& message, std::uint16_t attribute, std::string_view bytes) {
  const Nest nest(message, attribute);
  message.put_bytes(NFTA_DATA_VALUE, bytes);
}

// The expressions of one rule.
class Expressions {
 public:
  explicit Expressions(Message& message) : message_(message) {}

  void operator()(const Loopback& s) {
    meta(s.out ? NFT_META_OIF : NFT_META_IIF);
    compare(loopback_index);
  }
  void operator()(const FlowIs& s) {
    ct(NFT_CT_STATE);
    masked(static_cast<std::uint32_t>(s.flow));
    compare(std::uint32_t{0}, NFT_CMP_NEQ);
  }
  void operator()(const FlowMark& s) {
    ct(NFT_CT_MARK);
    compare(s.mark);
  }
  void operator()(const Answer&) {
    ct(NFT_CT_DIRECTION);
    compare(std::uint8_t{1});  // IP_CT_DIR_REPLY
  }
  void operator()(const Protocol& s) {
    meta(NFT_META_L4PROTO);
    compare(s.number);
  }
  void operator()(const Port& s) {
    payload(NFT_PAYLOAD_TRANSPORT_HEADER, s.source ? 0 : 2, 2);
    compare(htons(s.port));
  }
  void operator()(const To& s) {
    destination(s.network.v6);
    compare_bytes({reinterpret_cast<const char*>(s.network.address.data()), s.network.size()});
  }
  void operator()(const InSet& s) {
    destination(s.v6);
    if (s.with_ports) {
      const auto& reg = s.v6 ? registers_v6 : registers;
      meta(NFT_META_L4PROTO, reg[1]);
      payload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, reg[2]);
    }
    const Expression lookup(message_, "lookup");
    message_.put(NFTA_LOOKUP_SET, std::string(s.set));
    put_be32(message_, NFTA_LOOKUP_SREG, NFT_REG_1);
  }
  void operator()(const Icmp& s) {
    family(s.v6);
    meta(NFT_META_L4PROTO);
    compare(std::uint8_t{s.v6 ? std::uint8_t{IPPROTO_ICMPV6} : std::uint8_t{IPPROTO_ICMP}});
    payload(NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1);
    compare(s.type);
  }
  void operator()(const FromLink&) {
    family(true);
    payload(NFT_PAYLOAD_NETWORK_HEADER, 7, 1);
    compare(std::uint8_t{255});
  }
  void operator()(const SourceRoute& s) { header_exists(false, NFT_EXTHDR_OP_IPV4, s.option); }
  void operator()(const RoutingHeader&) { header_exists(true, NFT_EXTHDR_OP_IPV6, IPPROTO_ROUTING); }
  void operator()(const ForeignSource&) {
    fib(NFT_FIB_RESULT_ADDRTYPE, NFTA_FIB_F_SADDR);
    compare(std::uint32_t{RTN_LOCAL}, NFT_CMP_NEQ);
  }
  void operator()(const UnroutedSource&) {
    fib(NFT_FIB_RESULT_OIF, NFTA_FIB_F_SADDR | NFTA_FIB_F_IIF | NFTA_FIB_F_PRESENT);
    compare(std::uint32_t{0});
  }
  // A program's own frames belong to no route, so that the key is missing and nothing matches.
  void operator()(const Routed&) {
    meta(NFT_META_RTCLASSID);
    compare(std::uint32_t{0}, NFT_CMP_GTE);
  }
  void operator()(const FromSocket&) {
    meta(NFT_META_SKUID);
    compare(std::uint32_t{0}, NFT_CMP_GTE);
  }
  void operator()(const Arp&) {
    meta(NFT_META_PROTOCOL);
    compare(htons(ETH_P_ARP));
  }
  void operator()(const AtMost& s) {
    const Expression limit(message_, "limit");
    put_be64(message_, NFTA_LIMIT_RATE, s.packets);
    put_be64(message_, NFTA_LIMIT_UNIT, 1);
    put_be32(message_, NFTA_LIMIT_BURST, 5);
    put_be32(message_, NFTA_LIMIT_TYPE, NFT_LIMIT_PKTS);
    put_be32(message_, NFTA_LIMIT_FLAGS, 0);
  }
  void operator()(const BytesOver& s) {
    const Expression quota(message_, "quota");
    put_be64(message_, NFTA_QUOTA_BYTES, s.bytes);
    put_be32(message_, NFTA_QUOTA_FLAGS, NFT_QUOTA_F_INV);
  }
  void operator()(const FlowsOver& s) {
    const Expression connlimit(message_, "connlimit");
    put_be32(message_, NFTA_CONNLIMIT_COUNT, s.flows);
    put_be32(message_, NFTA_CONNLIMIT_FLAGS, NFT_CONNLIMIT_F_INV);
  }
  void operator()(const Count&) { const Expression counter(message_, "counter"); }
  void operator()(const SetMark& s) {
    {
      const Expression immediate(message_, "immediate");
      put_be32(message_, NFTA_IMMEDIATE_DREG, NFT_REG_1);
      put_data(message_, NFTA_IMMEDIATE_DATA, bytes_of(s.mark));
    }
    const Expression ct(message_, "ct");
    put_be32(message_, NFTA_CT_KEY, NFT_CT_MARK);
    put_be32(message_, NFTA_CT_SREG, NFT_REG_1);
  }
  void operator()(const ResetTcp&) {
    const Expression reject(message_, "reject");
    put_be32(message_, NFTA_REJECT_TYPE, NFT_REJECT_TCP_RST);
  }
  void operator()(const Reject&) {
    const Expression reject(message_, "reject");
    put_be32(message_, NFTA_REJECT_TYPE, NFT_REJECT_ICMPX_UNREACH);
    const std::uint8_t code = NFT_REJECT_ICMPX_ADMIN_PROHIBITED;
    message_.put_bytes(NFTA_REJECT_ICMP_CODE, bytes_of(code));
  }
  void operator()(const Accept&) { verdict(NF_ACCEPT, nullptr); }
  void operator()(const Drop&) { verdict(NF_DROP, nullptr); }
  void operator()(const Jump& s) { verdict(NFT_JUMP, s.chain); }
  void operator()(const Goto& s) { verdict(NFT_GOTO, s.chain); }

 private:
  struct Expression {
    Expression(Message& message, const char* name) : element(message, NFTA_LIST_ELEM), data(named(message, name)) {}
    static Nest named(Message& message, const char* name) {
      message.put(NFTA_EXPR_NAME, std::string(name));
      return Nest(message, NFTA_EXPR_DATA);
    }
    Nest element;
    Nest data;  // ends first
  };

  void meta(std::uint32_t key, std::uint32_t reg = NFT_REG_1) {
    const Expression meta(message_, "meta");
    put_be32(message_, NFTA_META_KEY, key);
    put_be32(message_, NFTA_META_DREG, reg);
  }
  void ct(std::uint32_t key) {
    const Expression ct(message_, "ct");
    put_be32(message_, NFTA_CT_KEY, key);
    put_be32(message_, NFTA_CT_DREG, NFT_REG_1);
  }
  void payload(std::uint32_t base, std::uint32_t offset, std::uint32_t size, std::uint32_t reg = NFT_REG_1) {
    const Expression payload(message_, "payload");
    put_be32(message_, NFTA_PAYLOAD_DREG, reg);
    put_be32(message_, NFTA_PAYLOAD_BASE, base);
    put_be32(message_, NFTA_PAYLOAD_OFFSET, offset);
    put_be32(message_, NFTA_PAYLOAD_LEN, size);
  }
  void fib(std::uint32_t result, std::uint32_t flags) {
    const Expression fib(message_, "fib");
    put_be32(message_, NFTA_FIB_DREG, NFT_REG_1);
    put_be32(message_, NFTA_FIB_RESULT, result);
    put_be32(message_, NFTA_FIB_FLAGS, flags);
  }
  template <class Number>
  void compare(const Number& number, std::uint32_t op = NFT_CMP_EQ) {
    compare_bytes(bytes_of(number), op);
  }
  void compare_bytes(std::string_view bytes, std::uint32_t op = NFT_CMP_EQ) {
    const Expression cmp(message_, "cmp");
    put_be32(message_, NFTA_CMP_SREG, NFT_REG_1);
    put_be32(message_, NFTA_CMP_OP, op);
    put_data(message_, NFTA_CMP_DATA, bytes);
  }
  void masked(std::uint32_t mask) {
    const Expression bitwise(message_, "bitwise");
    put_be32(message_, NFTA_BITWISE_SREG, NFT_REG_1);
    put_be32(message_, NFTA_BITWISE_DREG, NFT_REG_1);
    put_be32(message_, NFTA_BITWISE_LEN, sizeof mask);
    put_data(message_, NFTA_BITWISE_MASK, bytes_of(mask));
    const std::uint32_t none = 0;
    put_data(message_, NFTA_BITWISE_XOR, bytes_of(none));
  }
  void family(bool v6) {
    meta(NFT_META_NFPROTO);
    compare(static_cast<std::uint8_t>(v6 ? NFPROTO_IPV6 : NFPROTO_IPV4));
  }
  void destination(bool v6) {
    family(v6);
    payload(NFT_PAYLOAD_NETWORK_HEADER, v6 ? 24 : 16, v6 ? 16 : 4);
  }
  void header_exists(bool v6, std::uint32_t op, std::uint8_t type) {
    family(v6);
    {
      const Expression exthdr(message_, "exthdr");
      put_be32(message_, NFTA_EXTHDR_DREG, NFT_REG_1);
      message_.put_bytes(NFTA_EXTHDR_TYPE, bytes_of(type));
      put_be32(message_, NFTA_EXTHDR_OFFSET, 0);
      put_be32(message_, NFTA_EXTHDR_LEN, 1);
      put_be32(message_, NFTA_EXTHDR_FLAGS, NFT_EXTHDR_F_PRESENT);
      put_be32(message_, NFTA_EXTHDR_OP, op);
    }
    compare(std::uint8_t{1});
  }
  void verdict(int code, const char* chain) {
    const Expression immediate(message_, "immediate");
    put_be32(message_, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
    const Nest data(message_, NFTA_IMMEDIATE_DATA);
    const Nest verdict(message_, NFTA_DATA_VERDICT);
    put_be32(message_, NFTA_VERDICT_CODE, static_cast<std::uint32_t>(code));
    if (chain != nullptr) message_.put(NFTA_VERDICT_CHAIN, std::string(chain));
  }

  Message& message_;
};

// nft(8)'s own format: type 0, length, the text with its NUL.
void put_comment(Message& message, std::uint16_t attribute, const std::string& comment) {
  if (comment.empty()) return;
  const std::string head{'\0', static_cast<char>(comment.size() + 1)};
  message.put_bytes(attribute, head + comment + '\0');
}

// Data types of nft(8), which it puts together six bits each.
constexpr std::uint32_t type_ipv4 = 7;
constexpr std::uint32_t type_ipv6 = 8;
constexpr std::uint32_t type_protocol = 12;
constexpr std::uint32_t type_port = 13;

void put_address_protocol_port(Message& m, std::uint32_t address_size) {
  const Nest description(m, NFTA_SET_DESC);
  const Nest fields(m, NFTA_SET_DESC_CONCAT);
  for (const std::uint32_t size : {address_size, 1U, 2U}) {
    const Nest field(m, NFTA_LIST_ELEM);
    put_be32(m, NFTA_SET_FIELD_LEN, size);
  }
}

Step set_step(const Table& table, const Set& set, std::uint32_t number) {
  Step step{nft_message(NFT_MSG_NEWSET, NLM_F_CREATE | NLM_F_EXCL, table.family), "set", set.name};
  Message& m = step.message;
  const std::uint32_t address = set.v6 ? type_ipv6 : type_ipv4;
  const std::uint32_t size = set.v6 ? 16 : 4;
  m.put(NFTA_SET_TABLE, table.name);
  m.put(NFTA_SET_NAME, set.name);
  put_be32(m, NFTA_SET_FLAGS, set.with_ports ? NFT_SET_INTERVAL | NFT_SET_CONCAT : std::uint32_t{NFT_SET_INTERVAL});
  put_be32(m, NFTA_SET_KEY_TYPE, set.with_ports ? (address << 12U) | (type_protocol << 6U) | type_port : address);
  put_be32(m, NFTA_SET_KEY_LEN, set.with_ports ? size + 8 : size);
  put_be32(m, NFTA_SET_ID, number);
  if (set.with_ports) put_address_protocol_port(m, size);
  return step;
}

std::string key_of(const Set& set, const Address& address, std::uint8_t protocol, std::uint16_t port) {
  std::string key(reinterpret_cast<const char*>(address.data()), set.v6 ? 16 : 4);
  if (!set.with_ports) return key;
  const std::uint16_t big = htons(port);
  key += std::string{static_cast<char>(protocol), '\0', '\0', '\0'};
  key.append(bytes_of(big));
  return key + std::string(2, '\0');
}

// A plain interval is two elements: where it begins, and, marked as an end, what follows it (nothing: the last one).
void put_interval(Message& m, const Set& set, const Element& element) {
  {
    const Nest nest(m, NFTA_LIST_ELEM);
    put_data(m, NFTA_SET_ELEM_KEY, key_of(set, element.first, 0, 0));
  }
  Address behind = element.last;
  std::size_t i = set.v6 ? 16 : 4;
  while (i > 0 && ++behind[i - 1] == 0) --i;
  if (i == 0) return;
  const Nest nest(m, NFTA_LIST_ELEM);
  put_be32(m, NFTA_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
  put_data(m, NFTA_SET_ELEM_KEY, key_of(set, behind, 0, 0));
}

void put_element(Message& m, const Set& set, const Element& element) {
  if (!set.with_ports) return put_interval(m, set, element);
  const Nest nest(m, NFTA_LIST_ELEM);
  put_data(m, NFTA_SET_ELEM_KEY, key_of(set, element.first, element.protocol, element.first_port));
  put_data(m, NFTA_SET_ELEM_KEY_END, key_of(set, element.last, element.protocol, element.last_port));
}

void add_elements(std::vector<Step>& steps, const Table& table, const Set& set) {
  constexpr std::size_t per_message = 64;
  for (std::size_t first = 0; first < set.elements.size(); first += per_message) {
    Step step{nft_message(NFT_MSG_NEWSETELEM, NLM_F_CREATE, table.family), "elements of the set", set.name};
    step.message.put(NFTA_SET_ELEM_LIST_TABLE, table.name);
    step.message.put(NFTA_SET_ELEM_LIST_SET, set.name);
    {
      const Nest elements(step.message, NFTA_SET_ELEM_LIST_ELEMENTS);
      for (std::size_t i = first; i < std::min(first + per_message, set.elements.size()); ++i)
        put_element(step.message, set, set.elements[i]);
    }
    steps.push_back(std::move(step));
  }
}

void put_hook(Message& m, Hook hook) {
  put_be32(m, NFTA_CHAIN_POLICY, NF_DROP);
  m.put(NFTA_CHAIN_TYPE, std::string("filter"));
  const Nest nest(m, NFTA_CHAIN_HOOK);
  const bool below_ip = hook == Hook::egress;
  put_be32(m, NFTA_HOOK_HOOKNUM, below_ip ? std::uint32_t{NF_NETDEV_EGRESS} : static_cast<std::uint32_t>(hook));
  put_be32(m, NFTA_HOOK_PRIORITY, 0);
  if (!below_ip) return;
  const Nest devices(m, NFTA_HOOK_DEVS);
  m.put(device_prefix, std::string());  // every name begins with it
}

Step chain_step(const Table& table, const Chain& chain) {
  Step step{nft_message(NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL, table.family), "chain", chain.name};
  Message& m = step.message;
  m.put(NFTA_CHAIN_TABLE, table.name);
  m.put(NFTA_CHAIN_NAME, chain.name);
  if (chain.hook) put_hook(m, *chain.hook);
  return step;
}

Step rule_step(const Table& table, const Chain& chain, const Rule& rule) {
  Step step{nft_message(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, table.family), "chain", chain.name, &rule};
  Message& m = step.message;
  m.put(NFTA_RULE_TABLE, table.name);
  m.put(NFTA_RULE_CHAIN, chain.name);
  {
    const Nest expressions(m, NFTA_RULE_EXPRESSIONS);
    for (const auto& statement : rule.statements) std::visit(Expressions(m), statement);
  }
  put_comment(m, NFTA_RULE_USERDATA, rule.name);
  return step;
}

}  // namespace

Message nft_message(int type, int flags, Family family) {
  Message message(static_cast<std::uint16_t>((NFNL_SUBSYS_NFTABLES << 8) | type), static_cast<std::uint16_t>(flags));
  message.payload<nfgenmsg>().nfgen_family = static_cast<std::uint8_t>(family);
  return message;
}

std::vector<Step> encode(const Table& table) {
  std::vector<Step> steps;
  steps.reserve(usual_steps);
  steps.push_back({nft_message(NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL, table.family), "table", table.name});
  steps.back().message.put(NFTA_TABLE_NAME, table.name);
  put_comment(steps.back().message, NFTA_TABLE_USERDATA, table.comment);
  std::uint32_t number = 0;
  for (const auto& set : table.sets) {
    steps.push_back(set_step(table, set, ++number));
    add_elements(steps, table, set);
  }
  for (const auto& chain : table.chains) steps.push_back(chain_step(table, chain));
  for (const auto& chain : table.chains)
    for (const auto& rule : chain.rules) steps.push_back(rule_step(table, chain, rule));
  return steps;
}

Step encode_deletion(std::string_view table, Family family) {
  Step step{nft_message(NFT_MSG_DELTABLE, 0, family), "table", table};
  step.message.put(NFTA_TABLE_NAME, std::string(table));
  return step;
}

}  // namespace agentsafe::net::nft
