#include "runtime/security/capabilities.h"

#include <sys/capability.h>
#include <sys/prctl.h>

#include <algorithm>

#include "runtime/base/text.h"

namespace agentsafe::security {
namespace {

std::string upper(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return text;
}

bool kernel_has(unsigned capability) { return ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; }

}  // namespace

std::vector<std::string> capability_names() {
  std::vector<std::string> names;
  for (cap_value_t value = 0; value <= CAP_LAST_CAP; ++value) {
    char* const name = ::cap_to_name(value);
    names.push_back(upper(name));
    ::cap_free(name);
  }
  return names;
}

std::uint64_t capability_mask(const std::vector<std::string>& names, std::vector<std::string>& warnings) {
  std::uint64_t mask = 0;
  for (const auto& name : names) {
    cap_value_t value = 0;
    const bool known = name.starts_with("CAP_") && ::cap_from_name(text::lower(name).c_str(), &value) == 0;
    if (known && kernel_has(static_cast<unsigned>(value))) {
      mask |= std::uint64_t{1} << value;
      continue;
    }
    std::string warning = "capability " + text::escaped(name) + " is ignored: " +
                          (known ? "this kernel does not have it" : "it is unknown");
    if (std::find(warnings.begin(), warnings.end(), warning) == warnings.end()) warnings.push_back(std::move(warning));
  }
  return mask;
}

}  // namespace agentsafe::security
