// config-linux.md#sysctl: only what belongs to a namespace that the container has apart from the host's.
#include <algorithm>

#include "oci/validation.h"
#include "runtime/base/text.h"

namespace agentsafe::oci {
namespace {

constexpr std::string_view ipc_keys[] = {"kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
                                         "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced"};

// A key is a path below /proc/sys: only characters that such paths have, and no way up or out.
bool is_clean_key(std::string_view key) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._-/:@").find(c) != std::string_view::npos;
  };
  const std::string_view separators = "./";
  return !key.empty() && std::all_of(key.begin(), key.end(), is_plain) && key.find("..") == std::string_view::npos &&
         key.find("//") == std::string_view::npos && key.find("/.") == std::string_view::npos &&
         key.find("./") == std::string_view::npos && separators.find(key.front()) == std::string_view::npos &&
         separators.find(key.back()) == std::string_view::npos;
}

// sysctl(8): what separates first is the separator. In "net/ipv4/conf/eth0.1/x" the dot belongs to a name.
std::string with_dots(std::string_view key) {
  std::string dotted(key);
  const auto separator = dotted.find_first_of("./");
  if (separator == std::string::npos || dotted[separator] == '.') return dotted;
  for (char& c : dotted) c = c == '/' ? '.' : (c == '.' ? '/' : c);
  return dotted;
}

// Why the name would be set twice, differently.
std::string_view name_refusal(const std::string& value, const std::string& name, bool uts) {
  if (!uts) return "needs a uts namespace apart from the host's";
  return name.empty() || name == value ? "" : "conflicts with the property of that name";
}

// Why the key must not be set; empty when it may be.
std::string_view refusal(const std::string& key, const std::string& value, const Spec& spec,
                         const NamespaceFacts& facts) {
  const bool is_ipc = std::find(std::begin(ipc_keys), std::end(ipc_keys), key) != std::end(ipc_keys);
  if (is_ipc || key.starts_with("fs.mqueue.")) return facts.ipc ? "" : "needs an ipc namespace apart from the host's";
  if (key.starts_with("net.")) return facts.network ? "" : "needs a network namespace apart from the host's";
  if (key.starts_with("user.")) return facts.user ? "" : "needs a user namespace";
  if (key == "kernel.hostname") return name_refusal(value, spec.hostname, facts.uts);
  if (key == "kernel.domainname") return name_refusal(value, spec.domainname, facts.uts);
  return "does not belong to a namespace: it would be set on the host";
}

}  // namespace

void validate_sysctl(const Spec& spec, const NamespaceFacts& facts, Findings& findings) {
  constexpr std::string_view section = "config-linux.md#sysctl";
  const Where where("linux.sysctl");
  for (const auto& [key, value] : spec.linux->sysctl) {
    const Where at = where / key;
    if (!is_clean_key(key)) {
      findings.add(at, "is not the name of a sysctl", section);
      continue;
    }
    findings.require(refusal(with_dots(key), value, spec, facts).empty(), at,
                     refusal(with_dots(key), value, spec, facts), section);
    // CVE-2022-0811: a helper that splits its arguments at "+" set a second sysctl, of the host
    findings.require(value.find_first_of(std::string_view("\n\0+", 3)) == std::string::npos, at,
                     "the value must not hold a newline, a NUL character or \"+\"", section);
  }
}

}  // namespace agentsafe::oci
