#include "runtime/net/nft_load.h"

#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/net/nft_encode.h"

namespace agentsafe::net::nft {
namespace {

// The attributes of a message or nest, in place; ends at the first that is none.
class Attributes {
 public:
  class Iterator {
   public:
    Iterator(const nlattr* attribute, int left) : attribute_(attribute), left_(left) {}
    const nlattr* operator*() const { return attribute_; }
    Iterator& operator++() {
      left_ -= static_cast<int>(MNL_ALIGN(attribute_->nla_len));
      attribute_ = mnl_attr_next(attribute_);
      return *this;
    }
    bool operator!=(std::nullptr_t) const { return mnl_attr_ok(attribute_, left_); }

   private:
    const nlattr* attribute_;
    int left_;
  };
  Attributes(const void* start, std::size_t size)
      : start_(static_cast<const nlattr*>(start)), size_(static_cast<int>(size)) {}
  [[nodiscard]] Iterator begin() const { return {start_, size_}; }
  [[nodiscard]] static std::nullptr_t end() { return nullptr; }

 private:
  const nlattr* start_;
  int size_;
};

Attributes attributes_of(const nlattr* nest) {
  return {mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest)};
}
Attributes attributes_of(const nlmsghdr* message) {
  return {mnl_nlmsg_get_payload_offset(message, sizeof(nfgenmsg)),
          mnl_nlmsg_get_payload_len(message) - sizeof(nfgenmsg)};
}

const nlattr* find(const Attributes& attributes, std::uint16_t type, std::size_t nth = 0) {
  for (const nlattr* attribute : attributes)
    if (mnl_attr_get_type(attribute) == type && nth-- == 0) return attribute;
  return nullptr;
}

// Of this type, in front of `end`.
std::size_t count(const Attributes& attributes, std::uint16_t type, const nlattr* end = nullptr) {
  std::size_t found = 0;
  for (const nlattr* attribute : attributes) {
    if (attribute == end) break;
    found += mnl_attr_get_type(attribute) == type;
  }
  return found;
}

std::string_view bytes_of(const nlattr* attribute) {
  if (attribute == nullptr) return {};
  return {static_cast<const char*>(mnl_attr_get_payload(attribute)), mnl_attr_get_payload_len(attribute)};
}

// Without its NUL.
std::string_view text_of(const nlattr* attribute) {
  const auto bytes = bytes_of(attribute);
  return bytes.substr(0, bytes.find('\0'));
}

// nft(8)'s user data: type 0 (comment), length, text, NUL.
std::string comment_in(const nlattr* user_data) {
  const auto bytes = bytes_of(user_data);
  return bytes.size() < 3 || bytes[0] != 0 ? std::string() : std::string(bytes.substr(2, bytes.find('\0', 2) - 2));
}

// --- loading ---------------------------------------------------------------------------------------------------------

Message mark(std::uint16_t type) {
  Message message(type);
  auto& family = message.payload<nfgenmsg>();
  family.nfgen_family = AF_UNSPEC;
  family.res_id = htobe16(NFNL_SUBSYS_NFTABLES);
  return message;
}

// The kernel refuses the whole batch when its rules are of another generation.
Message begin_of(std::optional<std::uint32_t> generation) {
  Message message = mark(NFNL_MSG_BATCH_BEGIN);
  if (generation) message.put(NFNL_BATCH_GENID, htobe32(*generation));
  return message;
}

// rule (tcp dport 443 accept) of the chain "judge"
std::string about(const Step& step) {
  const std::string named = std::string(step.kind) + " \"" + std::string(step.name) + "\"";
  return step.rule == nullptr ? named : "rule (" + to_text(*step.rule) + ") of the " + named;
}

// The name of the expression that the kernel's answer points at.
std::string refused_expression(const Step& step, const nlmsghdr* answer) {
  const nlmsghdr* const sent = step.message.header();
  std::uint32_t offset = 0;
  for_each_attribute<nlmsgerr>(answer, [&](const nlattr* attribute) {
    if (mnl_attr_get_type(attribute) == NLMSGERR_ATTR_OFFS) offset = mnl_attr_get_u32(attribute);
  });
  if (offset < sizeof *sent || offset + sizeof(nlattr) > sent->nlmsg_len) return {};
  const auto* const refused = reinterpret_cast<const nlattr*>(reinterpret_cast<const char*>(sent) + offset);
  if (!mnl_attr_ok(refused, static_cast<int>(sent->nlmsg_len - offset)) || mnl_attr_get_type(refused) != NFTA_LIST_ELEM)
    return {};
  return std::string(text_of(find(attributes_of(refused), NFTA_EXPR_NAME)));
}

std::string refusal_of(const Step& step, const nlmsghdr* answer) {
  const std::string expression = refused_expression(step, answer);
  return about(step) +
         (expression.empty() ? "" : ": this kernel may lack the nftables expression \"" + expression + "\"");
}

void send(Netlink& netlink, std::vector<Step>& steps, std::optional<std::uint32_t> generation = {}) {
  Message begin = begin_of(generation);
  Message end = mark(NFNL_MSG_BATCH_END);
  std::vector<Message*> messages;
  messages.reserve(steps.size() + 2);
  messages.push_back(&begin);
  for (auto& step : steps) {
    auto* const header = step.message.header();
    header->nlmsg_flags = static_cast<std::uint16_t>(header->nlmsg_flags | NLM_F_ACK);
    messages.push_back(&step.message);
  }
  messages.push_back(&end);
  netlink.batch(messages, [&](std::size_t place, const nlmsghdr* answer) {
    const bool is_of_step = place > 0 && place <= steps.size();
    return is_of_step ? refusal_of(steps[place - 1], answer) : std::string("the batch");
  });
}

// --- reading back ----------------------------------------------------------------------------------------------------

// Whether everything that we sent is there with the same value; the kernel adds handles, defaults and counters' values.
// Lists must be of the same length.
bool holds(const Attributes& theirs, const Attributes& ours, std::uint16_t left_out = 0) {
  for (const nlattr* const attribute : ours) {
    const std::uint16_t type = mnl_attr_get_type(attribute);
    if (type == left_out) continue;
    if (count(theirs, type) != count(ours, type)) return false;
    const nlattr* const match = find(theirs, type, count(ours, type, attribute));
    if (match == nullptr) return false;
    const bool nested = (attribute->nla_type & NLA_F_NESTED) != 0;
    if (nested ? !holds(attributes_of(match), attributes_of(attribute)) : bytes_of(match) != bytes_of(attribute))
      return false;
  }
  return true;
}

// What the kernel holds of one kind in the table; tables' own name has the same attribute number as everything's table.
void dump(Netlink& netlink, Message question, std::string_view table,
          const std::function<void(const nlmsghdr*)>& each) {
  netlink.dump(question, [&](const nlmsghdr* answer) {
    if (text_of(find(attributes_of(answer), NFTA_RULE_TABLE)) == table) each(answer);
  });
}

struct Kind {
  int made_by;
  int asked_by;
  const char* name;
  std::uint16_t left_out;  // sent, and not kept by the kernel
};
constexpr Kind kinds[] = {{NFT_MSG_NEWTABLE, NFT_MSG_GETTABLE, "table", 0},
                          {NFT_MSG_NEWSET, NFT_MSG_GETSET, "sets", NFTA_SET_ID},
                          {NFT_MSG_NEWCHAIN, NFT_MSG_GETCHAIN, "chains", 0},
                          {NFT_MSG_NEWRULE, NFT_MSG_GETRULE, "rules", 0}};

bool is_of(const Step& step, int type) { return (step.message.header()->nlmsg_type & 0xff) == type; }

[[noreturn]] void fail_verification(const std::string& what) {
  fail("the kernel's packet filter is not the one that was loaded: " + what);
}

void verify_kind(Netlink& netlink, const Table& table, const std::vector<Step>& steps, const Kind& kind) {
  const auto next_from = [&](auto from) {
    return std::find_if(from, steps.end(), [&](const Step& step) { return is_of(step, kind.made_by); });
  };
  auto step = next_from(steps.begin());
  dump(netlink, nft_message(kind.asked_by, 0, table.family), table.name, [&](const nlmsghdr* answer) {
    if (step == steps.end()) fail_verification(std::string("there are other ") + kind.name);
    if (!holds(attributes_of(answer), attributes_of(step->message.header()), kind.left_out))
      fail_verification(about(*step) + " differs");
    step = next_from(step + 1);
  });
  if (step != steps.end()) fail_verification(about(*step) + " is missing");
}

// The elements of a message of elements: key, end of the key, and flags, as one text each.
void collect_elements(std::vector<std::string>& elements, const nlmsghdr* message) {
  const nlattr* const list = find(attributes_of(message), NFTA_SET_ELEM_LIST_ELEMENTS);
  if (list == nullptr) return;
  for (const auto* element : attributes_of(list)) {
    const auto attributes = attributes_of(element);
    std::string text;
    for (const auto type : {NFTA_SET_ELEM_KEY, NFTA_SET_ELEM_KEY_END, NFTA_SET_ELEM_FLAGS})
      text.append(bytes_of(find(attributes, type))).append("|");
    elements.push_back(text);
  }
}

void verify_elements(Netlink& netlink, const Table& table, const Set& set, const std::vector<Step>& steps) {
  std::vector<std::string> ours;
  std::vector<std::string> theirs;
  for (const auto& step : steps)
    if (is_of(step, NFT_MSG_NEWSETELEM) &&
        text_of(find(attributes_of(step.message.header()), NFTA_SET_ELEM_LIST_SET)) == set.name)
      collect_elements(ours, step.message.header());
  Message question = nft_message(NFT_MSG_GETSETELEM, 0, table.family);
  question.put(NFTA_SET_ELEM_LIST_TABLE, table.name);
  question.put(NFTA_SET_ELEM_LIST_SET, set.name);
  dump(netlink, question, table.name, [&](const nlmsghdr* answer) { collect_elements(theirs, answer); });
  std::ranges::sort(ours);
  std::ranges::sort(theirs);
  if (ours != theirs) fail_verification("the elements of the set \"" + set.name + "\" differ");
}

void verify(Netlink& netlink, const Table& table, const std::vector<Step>& steps, bool with_addresses) {
  for (const auto& kind : kinds) verify_kind(netlink, table, steps, kind);
  for (const auto& set : table.sets)
    if (with_addresses || set.with_ports) verify_elements(netlink, table, set, steps);
}

}  // namespace

std::uint32_t generation_of(Netlink& netlink) {
  Message question = nft_message(NFT_MSG_GETGEN);
  std::optional<std::uint32_t> generation;
  netlink.ask(question, [&](const nlmsghdr* answer) {
    if (const nlattr* const id = find(attributes_of(answer), NFTA_GEN_ID)) generation = be32toh(mnl_attr_get_u32(id));
  });
  if (!generation) fail("the kernel does not tell the generation of its packet filter");
  return *generation;
}

void in_generation(Netlink& netlink, const std::function<void(std::uint32_t)>& body) {
  constexpr int tries = 16;
  for (int i = 1;; ++i) try {
      return body(generation_of(netlink));
    } catch (const Error& error) {
      if (error.error_number() != ERESTART || i == tries) throw;
    }
}

void load(Netlink& netlink, const Table& table, Existing existing, std::uint32_t generation) {
  auto steps = encode(table);
  const bool exists = existing == Existing::replaced && comment_of(netlink, table.name, table.family).has_value();
  if (exists) steps.insert(steps.begin(), encode_deletion(table.name, table.family));
  in_context("load the packet filter", [&] {
    send(netlink, steps, generation);
    verify(netlink, table, steps, true);
  });
}

void verify(Netlink& netlink, const Table& table, bool with_addresses) {
  verify(netlink, table, encode(table), with_addresses);
}

void remove(Netlink& netlink, const std::string& table, Family family) {
  std::vector<Step> steps;
  steps.push_back(encode_deletion(table, family));
  in_context("remove the packet filter", [&] { send(netlink, steps); });
}

std::optional<std::string> comment_of(Netlink& netlink, const std::string& table, Family family) {
  std::optional<std::string> comment;
  dump(netlink, nft_message(NFT_MSG_GETTABLE, 0, family), table, [&](const nlmsghdr* answer) {
    comment = comment_in(find(attributes_of(answer), NFTA_TABLE_USERDATA));
  });
  return comment;
}

std::vector<RuleCount> counters(Netlink& netlink, const std::string& table, Family family) {
  std::vector<RuleCount> counts;
  dump(netlink, nft_message(NFT_MSG_GETRULE, 0, family), table, [&](const nlmsghdr* answer) {
    const auto rule = attributes_of(answer);
    const std::string name = comment_in(find(rule, NFTA_RULE_USERDATA));
    const nlattr* const list = find(rule, NFTA_RULE_EXPRESSIONS);
    if (name.empty() || list == nullptr) return;
    for (const auto* element : attributes_of(list)) {
      const auto expression = attributes_of(element);
      const nlattr* const data = find(expression, NFTA_EXPR_DATA);
      if (data == nullptr || text_of(find(expression, NFTA_EXPR_NAME)) != "counter") continue;
      const auto values = attributes_of(data);
      const nlattr* const packets = find(values, NFTA_COUNTER_PACKETS);
      const nlattr* const bytes = find(values, NFTA_COUNTER_BYTES);
      if (packets != nullptr && bytes != nullptr)
        counts.push_back({name, be64toh(mnl_attr_get_u64(packets)), be64toh(mnl_attr_get_u64(bytes))});
    }
  });
  return counts;
}

}  // namespace agentsafe::net::nft
