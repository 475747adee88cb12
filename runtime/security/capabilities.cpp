#include "runtime/security/capabilities.h"

#include <linux/capability.h>
#include <sys/prctl.h>

#include <algorithm>

#include "runtime/base/text.h"
#include "runtime/security/library_tables.h"

namespace agentsafe::security {
namespace {

// CAP_AUDIT_READ came with Linux 3.16; who must be asked about are those behind it.
bool kernel_has(unsigned capability) {
  return capability <= CAP_AUDIT_READ || ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0;
}

}  // namespace

std::vector<std::string> capability_names() { return {libcap_names().begin(), libcap_names().end()}; }

std::uint64_t capability_mask(const std::vector<std::string>& names, std::vector<std::string>& warnings) {
  std::uint64_t mask = 0;
  for (const auto& name : names) {
    const auto all = libcap_names();
    const auto value = std::find(all.begin(), all.end(), name) - all.begin();
    const bool known = value < std::ssize(all);
    if (known && kernel_has(static_cast<unsigned>(value))) {
      mask |= std::uint64_t{1} << value;
      continue;
    }
    std::string warning = "capability " + text::escaped(name) +
                          " is ignored: " + (known ? "this kernel does not have it" : "it is unknown");
    if (std::find(warnings.begin(), warnings.end(), warning) == warnings.end()) warnings.push_back(std::move(warning));
  }
  return mask;
}

}  // namespace agentsafe::security
