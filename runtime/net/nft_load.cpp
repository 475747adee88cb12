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

using Attributes = std::vector<const nlattr*>;

Attributes attributes_of(const void* start, std::size_t size) {
  Attributes found;
  const auto collect = [](const nlattr* attribute, void* into) {
    static_cast<Attributes*>(into)->push_back(attribute);
    return MNL_CB_OK;
  };
  mnl_attr_parse_payload(start, size, collect, &found);
  return found;
}
Attributes attributes_of(const nlattr* nest) {
  return attributes_of(mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest));
}
Attributes attributes_of(const nlmsghdr* message) {
  const auto* const start = static_cast<const char*>(mnl_nlmsg_get_payload_offset(message, sizeof(nfgenmsg)));
  return attributes_of(start, mnl_nlmsg_get_payload_len(message) - sizeof(nfgenmsg));
}

const nlattr* find(const Attributes& attributes, std::uint16_t type) {
  const auto found = std::ranges::find(attributes, type, mnl_attr_get_type);
  return found == attributes.end() ? nullptr : *found;
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

Step mark(std::uint16_t type) {
  Step step{Message(type), "the batch"};
  auto& family = step.message.payload<nfgenmsg>();
  family.nfgen_family = AF_UNSPEC;
  family.res_id = htobe16(NFNL_SUBSYS_NFTABLES);
  return step;
}

// The kernel refuses the whole batch when its rules are of another generation.
Step begin_of(std::optional<std::uint32_t> generation) {
  Step step = mark(NFNL_MSG_BATCH_BEGIN);
  if (generation) step.message.put(NFNL_BATCH_GENID, htobe32(*generation));
  return step;
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

std::string about(const Step& step, const nlmsghdr* answer) {
  const std::string expression = refused_expression(step, answer);
  return step.about +
         (expression.empty() ? "" : ": this kernel may lack the nftables expression \"" + expression + "\"");
}

void send(Netlink& netlink, std::vector<Step> steps, std::optional<std::uint32_t> generation = {}) {
  std::vector<Message> messages;
  steps.insert(steps.begin(), begin_of(generation));
  steps.push_back(mark(NFNL_MSG_BATCH_END));
  for (auto& step : steps) {
    auto* const header = step.message.header();
    if (header->nlmsg_type > NFNL_MSG_BATCH_END)
      header->nlmsg_flags = static_cast<std::uint16_t>(header->nlmsg_flags | NLM_F_ACK);
    messages.push_back(step.message);
  }
  netlink.batch(messages, [&](std::size_t place, const nlmsghdr* answer) {
    return place < steps.size() ? about(steps[place], answer) : std::string("the batch");
  });
}

// --- reading back ----------------------------------------------------------------------------------------------------

// Whether everything that we sent is there with the same value; the kernel adds handles, defaults and counters' values.
// Lists must be of the same length.
bool holds(const Attributes& theirs, const Attributes& ours, std::uint16_t left_out = 0) {
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const std::uint16_t type = mnl_attr_get_type(ours[i]);
    if (type == left_out) continue;
    const auto is_same = [&](const nlattr* attribute) { return mnl_attr_get_type(attribute) == type; };
    if (std::ranges::count_if(theirs, is_same) != std::ranges::count_if(ours, is_same)) return false;
    auto nth = std::count_if(ours.begin(), ours.begin() + static_cast<std::ptrdiff_t>(i), is_same);
    const auto match =
        std::ranges::find_if(theirs, [&](const nlattr* attribute) { return is_same(attribute) && nth-- == 0; });
    const bool nested = (ours[i]->nla_type & NLA_F_NESTED) != 0;
    if (nested ? !holds(attributes_of(*match), attributes_of(ours[i])) : bytes_of(*match) != bytes_of(ours[i]))
      return false;
  }
  return true;
}

// What the kernel holds of one kind in the table; tables' own name has the same attribute number as everything's table.
std::vector<std::string> dump_of(Netlink& netlink, Message question, const std::string& table) {
  std::vector<std::string> answers;
  netlink.dump(question, [&](const nlmsghdr* answer) {
    if (text_of(find(attributes_of(answer), NFTA_RULE_TABLE)) != table) return;
    answers.emplace_back(reinterpret_cast<const char*>(answer), answer->nlmsg_len);
  });
  return answers;
}

const nlmsghdr* message_in(const std::string& answer) { return reinterpret_cast<const nlmsghdr*>(answer.data()); }

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
  const auto answers = dump_of(netlink, nft_message(kind.asked_by, 0, table.family), table.name);
  auto answer = answers.begin();
  for (const auto& step : steps) {
    if (!is_of(step, kind.made_by)) continue;
    if (answer == answers.end()) fail_verification(step.about + " is missing");
    if (!holds(attributes_of(message_in(*answer++)), attributes_of(step.message.header()), kind.left_out))
      fail_verification(step.about + " differs");
  }
  if (answer != answers.end()) fail_verification(std::string("there are other ") + kind.name);
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
  for (const auto& answer : dump_of(netlink, question, table.name)) collect_elements(theirs, message_in(answer));
  std::ranges::sort(ours);
  std::ranges::sort(theirs);
  if (ours != theirs) fail_verification("the elements of the set \"" + set.name + "\" differ");
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
    send(netlink, std::move(steps), generation);
    verify(netlink, table);
  });
}

void verify(Netlink& netlink, const Table& table, bool with_addresses) {
  const auto steps = encode(table);
  for (const auto& kind : kinds) verify_kind(netlink, table, steps, kind);
  for (const auto& set : table.sets)
    if (with_addresses || set.with_ports) verify_elements(netlink, table, set, steps);
}

void remove(Netlink& netlink, const std::string& table, Family family) {
  std::vector<Step> steps;
  steps.push_back(encode_deletion(table, family));
  in_context("remove the packet filter", [&] { send(netlink, std::move(steps)); });
}

std::optional<std::string> comment_of(Netlink& netlink, const std::string& table, Family family) {
  const auto answers = dump_of(netlink, nft_message(NFT_MSG_GETTABLE, 0, family), table);
  if (answers.empty()) return std::nullopt;
  return comment_in(find(attributes_of(message_in(answers.front())), NFTA_TABLE_USERDATA));
}

std::vector<RuleCount> counters(Netlink& netlink, const std::string& table, Family family) {
  std::vector<RuleCount> counts;
  for (const auto& answer : dump_of(netlink, nft_message(NFT_MSG_GETRULE, 0, family), table)) {
    const auto rule = attributes_of(message_in(answer));
    const std::string name = comment_in(find(rule, NFTA_RULE_USERDATA));
    const nlattr* const list = find(rule, NFTA_RULE_EXPRESSIONS);
    if (name.empty() || list == nullptr) continue;
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
  }
  return counts;
}

}  // namespace agentsafe::net::nft
