// The device rules as DevicePolicy= and DeviceAllow=. systemd keeps a list of what is allowed and nothing else.
#include <algorithm>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/cgroup/systemd_properties.h"

namespace agentsafe::cgroup {
namespace {

using systemd::Property;

// What is allowed once all rules are read: at least that, where a denied part of an allowed whole cannot be said.
struct AllowList {
  bool everything = false;
  bool is_wider = false;  // than the rules
  std::vector<DeviceRule> rules;
};

bool is_everything(const DeviceRule& rule) {
  return rule.kind == DeviceKind::any && !rule.major && !rule.minor && rule.access == access_all;
}

bool covers(const DeviceRule& wide, const DeviceRule& narrow) {
  return (wide.kind == DeviceKind::any || wide.kind == narrow.kind) && (!wide.major || wide.major == narrow.major) &&
         (!wide.minor || wide.minor == narrow.minor);
}

bool overlap(const DeviceRule& a, const DeviceRule& b) {
  const auto meet = [](const auto& x, const auto& y) { return !x || !y || *x == *y; };
  return (a.kind == DeviceKind::any || b.kind == DeviceKind::any || a.kind == b.kind) && meet(a.major, b.major) &&
         meet(a.minor, b.minor);
}

void deny(AllowList& list, const DeviceRule& rule) {
  if (list.everything) list.is_wider = true;
  for (auto& allowed : list.rules) {
    if (covers(rule, allowed))
      allowed.access &= ~rule.access;
    else if (overlap(rule, allowed) && (rule.access & allowed.access) != 0)
      list.is_wider = true;
  }
  std::erase_if(list.rules, [](const DeviceRule& allowed) { return allowed.access == 0; });
}

AllowList read_rules(const std::vector<DeviceRule>& rules) {
  AllowList list;
  for (const auto& rule : rules) {
    if (is_everything(rule))
      list = {.everything = rule.allow, .is_wider = false, .rules = {}};
    else if (rule.allow && !list.everything)
      list.rules.push_back(rule);
    else if (!rule.allow)
      deny(list, rule);
  }
  return list;
}

// The name of a major number among "Character devices:" or "Block devices:" of /proc/devices; "" when it has none.
std::string group_name(std::string_view proc_devices, DeviceKind kind, std::uint32_t major) {
  bool is_section = false;
  for (const auto line : text::lines(proc_devices)) {
    if (line.ends_with("devices:")) is_section = line.starts_with(kind == DeviceKind::block ? "Block" : "Character");
    const auto words = text::words(line);
    if (is_section && words.size() == 2 && text::parse<std::uint32_t>(words[0]) == major) return std::string(words[1]);
  }
  return {};
}

std::string access_letters(unsigned access) {
  std::string letters;
  if ((access & access_read) != 0) letters += 'r';
  if ((access & access_write) != 0) letters += 'w';
  if ((access & access_mknod) != 0) letters += 'm';
  return letters;
}

class Rows {
 public:
  Rows(bool v2, std::string_view proc_devices) : v2_(v2), proc_devices_(proc_devices) {}

  void add(const DeviceRule& rule) {
    if (rule.kind != DeviceKind::any) return add_typed(rule);
    for (const auto kind : {DeviceKind::character, DeviceKind::block}) {
      DeviceRule typed = rule;
      typed.kind = kind;
      add_typed(typed);
    }
  }
  systemd::Value take() { return systemd::array("(ss)", std::move(rows_)); }

 private:
  void add_typed(const DeviceRule& rule) {
    const std::string word = rule.kind == DeviceKind::block ? "block" : "char";
    if (rule.major && rule.minor)
      return put("/dev/" + word + "/" + std::to_string(*rule.major) + ":" + std::to_string(*rule.minor), rule);
    if (!rule.major && !rule.minor) return put(word + "-*", rule);
    const std::string group = rule.major ? group_name(proc_devices_, rule.kind, *rule.major) : "";
    if (!group.empty()) return put(word + "-" + group, rule);
    // One minor of any major, or a major whose driver is not loaded: systemd has no word for it.
    if (!v2_)
      fail("linux.resources.devices: systemd cannot allow " + word + " " +
           (rule.major ? std::to_string(*rule.major) : "*") + ":" + (rule.minor ? std::to_string(*rule.minor) : "*") +
           " (no driver in /proc/devices has that number); use --cgroup-manager=cgroupfs");
    put(word + "-*", rule);
  }
  void put(const std::string& node, const DeviceRule& rule) {
    rows_.push_back(systemd::structure({systemd::text(node), systemd::text(access_letters(rule.access))}));
  }

  bool v2_;
  std::string_view proc_devices_;
  std::vector<systemd::Value> rows_;
};

}  // namespace

std::vector<Property> device_properties(const std::vector<DeviceRule>& rules, bool v2, std::string_view proc_devices) {
  const AllowList list = read_rules(rules);
  if (!v2 && list.is_wider)
    fail(
        "linux.resources.devices: systemd keeps a list of what is allowed, in which a part of an allowed whole cannot "
        "be "
        "denied; use --cgroup-manager=cgroupfs");
  if (list.everything) return {{"DevicePolicy", systemd::text("auto")}, {"DeviceAllow", systemd::array("(ss)", {})}};
  Rows rows(v2, proc_devices);
  for (const auto& rule : list.rules) rows.add(rule);
  // an empty list first: it takes away what the unit has
  return {{"DevicePolicy", systemd::text("strict")},
          {"DeviceAllow", systemd::array("(ss)", {})},
          {"DeviceAllow", rows.take()}};
}

}  // namespace agentsafe::cgroup
