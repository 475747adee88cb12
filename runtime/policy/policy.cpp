#include "runtime/policy/policy.h"

#include "runtime/base/error.h"
#include "runtime/base/text.h"

namespace agentsafe::policy {

std::string parse_name(std::string_view given) {
  if (given == default_name) return std::string(default_name);
  fail("--policy " + text::escaped(given) + ": the only policy of this version is \"oci\"");
}

}  // namespace agentsafe::policy
