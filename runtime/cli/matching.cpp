#include "runtime/cli/matching.h"

#include <algorithm>
#include <iterator>

#include "runtime/base/expression.h"

namespace agentsafe::cli {
namespace {

Expression compiled(const std::string& expression) {
  try {
    return Expression(expression);
  } catch (const Error& error) {
    throw UsageError("invalid regular expression \"" + text::escaped(expression) + "\": " + error.what());
  }
}

}  // namespace

std::vector<std::string> matching(const std::vector<std::string>& ids, const std::string& expression) {
  const Expression wanted = compiled(expression);
  std::vector<std::string> matched;
  std::copy_if(ids.begin(), ids.end(), std::back_inserter(matched),
               [&](const std::string& id) { return wanted.found_in(id); });
  return matched;
}

std::vector<std::string> chosen_ids(const Invocation& invocation) {
  if (!invocation.arguments.on("regex")) return {invocation.id()};
  return matching(container::ids(invocation.runtime), invocation.id());
}

}  // namespace agentsafe::cli
