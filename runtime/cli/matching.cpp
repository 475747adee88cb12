#include "runtime/cli/matching.h"

#include <regex.h>

#include <algorithm>
#include <iterator>

#include "runtime/base/scope.h"

namespace agentsafe::cli {

std::vector<std::string> matching(const std::vector<std::string>& ids, const std::string& expression) {
  regex_t compiled;
  if (const int problem = ::regcomp(&compiled, expression.c_str(), REG_EXTENDED | REG_NOSUB); problem != 0) {
    char why[128];
    ::regerror(problem, &compiled, why, sizeof why);
    throw UsageError("invalid regular expression \"" + text::escaped(expression) + "\": " + why);
  }
  const OnExit release([&] { ::regfree(&compiled); });
  std::vector<std::string> matched;
  std::copy_if(ids.begin(), ids.end(), std::back_inserter(matched),
               [&](const std::string& id) { return ::regexec(&compiled, id.c_str(), 0, nullptr, 0) == 0; });
  return matched;
}

std::vector<std::string> chosen_ids(const Invocation& invocation) {
  if (!invocation.arguments.on("regex")) return {invocation.id()};
  return matching(container::ids(invocation.runtime), invocation.id());
}

}  // namespace agentsafe::cli
