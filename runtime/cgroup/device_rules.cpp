#include "runtime/cgroup/device_rules.h"

#include <string>

#include "runtime/base/error.h"
#include "runtime/base/text.h"

namespace agentsafe::cgroup {
namespace {

const DeviceRule usual_devices[] = {
    {true, DeviceKind::character, {}, {}, access_mknod},  // making any node is fine: opening it is what counts
    {true, DeviceKind::block, {}, {}, access_mknod},     {true, DeviceKind::character, 1, 3, access_all},  // /dev/null
    {true, DeviceKind::character, 1, 5, access_all},                                                       // /dev/zero
    {true, DeviceKind::character, 1, 7, access_all},                                                       // /dev/full
    {true, DeviceKind::character, 1, 8, access_all},     // /dev/random
    {true, DeviceKind::character, 1, 9, access_all},     // /dev/urandom
    {true, DeviceKind::character, 5, 0, access_all},     // /dev/tty
    {true, DeviceKind::character, 5, 2, access_all},     // /dev/ptmx
    {true, DeviceKind::character, 136, {}, access_all},  // /dev/pts/*, and /dev/console, which is one of them
};

unsigned parse_access(const std::string& letters) {
  unsigned access = 0;
  for (const char letter : letters) {
    if (letter == 'r')
      access |= access_read;
    else if (letter == 'w')
      access |= access_write;
    else if (letter == 'm')
      access |= access_mknod;
    else
      fail("access \"" + text::escaped(letters) + "\": letters of rwm are expected");
  }
  return access == 0 ? access_all : access;  // config-linux.md: absent means all
}

DeviceKind parse_kind(const std::string& type) {
  if (type.empty() || type == "a") return DeviceKind::any;
  if (type == "c" || type == "u") return DeviceKind::character;
  if (type == "b") return DeviceKind::block;
  fail("type \"" + text::escaped(type) + "\": a, b or c is expected");
}

std::optional<std::uint32_t> parse_number(std::optional<std::int64_t> number) {
  if (!number || *number == -1) return std::nullopt;
  if (*number < 0 || *number > UINT32_MAX) fail("device number " + std::to_string(*number) + " is out of range");
  return static_cast<std::uint32_t>(*number);
}

bool matches(const DeviceRule& rule, DeviceKind kind, std::uint32_t major, std::uint32_t minor) {
  return (rule.kind == DeviceKind::any || rule.kind == kind) && rule.major.value_or(major) == major &&
         rule.minor.value_or(minor) == minor;
}

// --- Version 1: a default and its exceptions -------------------------------------------------------------------

using Number = std::optional<std::uint32_t>;

bool covers(const Number& wide, const Number& narrow) { return !wide || wide == narrow; }
bool overlap(const Number& a, const Number& b) { return !a || !b || a == b; }

bool is_everything(const DeviceRule& rule) {
  return rule.kind == DeviceKind::any && !rule.major && !rule.minor && rule.access == access_all;
}

std::string device_text(const DeviceRule& rule) {
  const auto number = [](const Number& n) { return n ? std::to_string(*n) : std::string("*"); };
  std::string line = rule.kind == DeviceKind::block ? "b " : "c ";
  line += number(rule.major) + ":" + number(rule.minor) + " ";
  if ((rule.access & access_read) != 0) line += 'r';
  if ((rule.access & access_write) != 0) line += 'w';
  if ((rule.access & access_mknod) != 0) line += 'm';
  return line;
}

class ExceptionTable {
 public:
  void add(const DeviceRule& rule) {
    if (is_everything(rule)) {
      default_allow_ = rule.allow;
      exceptions_.clear();
    } else if (rule.kind != DeviceKind::any) {
      add_typed(rule);
    } else {  // the files take type a only for everything
      for (const auto kind : {DeviceKind::character, DeviceKind::block}) {
        DeviceRule typed = rule;
        typed.kind = kind;
        add_typed(typed);
      }
    }
  }

  [[nodiscard]] std::vector<Write> writes() const {
    std::vector<Write> list;
    list.push_back({"devices", default_allow_ ? "devices.allow" : "devices.deny", "a"});
    const char* file = default_allow_ ? "devices.deny" : "devices.allow";
    for (const auto& exception : exceptions_) list.push_back({"devices", file, device_text(exception)});
    return list;
  }

 private:
  void add_typed(const DeviceRule& rule) {
    if (rule.allow != default_allow_)
      add_exception(rule);
    else
      remove_exceptions(rule);
  }

  void add_exception(const DeviceRule& rule) {
    for (auto& exception : exceptions_) {
      if (exception.kind != rule.kind || exception.major != rule.major || exception.minor != rule.minor) continue;
      exception.access |= rule.access;
      return;
    }
    exceptions_.push_back(rule);
  }

  void remove_exceptions(const DeviceRule& rule) {
    for (auto& exception : exceptions_) {
      const bool touches = exception.kind == rule.kind && overlap(exception.major, rule.major) &&
                           overlap(exception.minor, rule.minor) && (exception.access & rule.access) != 0;
      if (!touches) continue;
      if (!covers(rule.major, exception.major) || !covers(rule.minor, exception.minor))
        fail("device rule " + std::string(rule.allow ? "allow " : "deny ") + device_text(rule) +
             " cannot be enforced: cgroup version 1 cannot take a part out of " + device_text(exception));
      exception.access &= ~rule.access;
    }
    std::erase_if(exceptions_, [](const DeviceRule& exception) { return exception.access == 0; });
  }

  bool default_allow_ = false;
  std::vector<DeviceRule> exceptions_;  // each the opposite of the default; never of kind any
};

}  // namespace

std::vector<DeviceRule> device_rules(const std::vector<oci::DeviceCgroup>& devices) {
  std::vector<DeviceRule> rules;
  rules.reserve(devices.size() + std::size(usual_devices));
  for (const auto& device : devices) {
    in_context("linux.resources.devices: " + std::to_string(rules.size()), [&] {
      rules.push_back({device.allow, parse_kind(device.type), parse_number(device.major), parse_number(device.minor),
                       parse_access(device.access)});
    });
  }
  rules.insert(rules.end(), std::begin(usual_devices), std::end(usual_devices));
  return rules;
}

bool permits(const std::vector<DeviceRule>& rules, DeviceKind kind, std::uint32_t major, std::uint32_t minor,
             unsigned access) {
  for (const unsigned bit : {access_mknod, access_read, access_write}) {
    bool allowed = false;
    for (const auto& rule : rules)
      if ((rule.access & bit) != 0 && matches(rule, kind, major, minor)) allowed = rule.allow;
    if ((access & bit) != 0 && !allowed) return false;
  }
  return true;
}

std::vector<Write> v1_device_writes(const std::vector<DeviceRule>& rules) {
  ExceptionTable table;
  for (const auto& rule : rules) table.add(rule);
  return table.writes();
}

}  // namespace agentsafe::cgroup
