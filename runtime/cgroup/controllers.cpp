#include "runtime/cgroup/controllers.h"

#include <algorithm>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/cgroup/directory.h"
#include "runtime/sys/fd.h"

namespace agentsafe::cgroup {
namespace {

std::vector<std::string> controllers_in(FdRef cgroup, const std::string& file) {
  const auto content = sys::try_read_record(cgroup, file).value_or("");
  const auto words = text::words(content);
  std::vector<std::string> names(words.begin(), words.end());
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> without(const std::vector<std::string>& all, const std::vector<std::string>& some) {
  std::vector<std::string> rest;
  std::set_difference(all.begin(), all.end(), some.begin(), some.end(), std::back_inserter(rest));
  return rest;
}

// The reason it cannot be enabled, or "".
std::string try_enable(FdRef cgroup, const std::string& path, const std::string& words) {
  try {
    sys::write_file(cgroup, "cgroup.subtree_control", words);
    return {};
  } catch (const Error& error) {
    return "cannot enable controllers in " + path + ": " + error.message();
  }
}

// Why nothing may be enabled here, or "". Only the root may hold processes and hand controllers down too; elsewhere,
// enabling cpu or pids beside processes would succeed and turn the whole subtree into a threaded one.
std::string obstacle(FdRef cgroup) {
  const auto type = sys::try_read_file(cgroup, "cgroup.type");  // the root has none
  if (!type) return {};
  const auto word = text::trim(*type);
  if (word == "threaded" || word == "domain invalid") return "it is threaded";
  return sys::try_read_file(cgroup, "cgroup.procs").value_or("").empty() ? "" : "it holds processes itself";
}

// All at once, which is how it usually works; or else each that can be.
std::string enable_in(const std::string& path) {
  const UniqueFd cgroup = sys::openat(sys::at_cwd, path, O_PATH | O_DIRECTORY);
  const auto missing =
      without(controllers_in(cgroup, "cgroup.controllers"), controllers_in(cgroup, "cgroup.subtree_control"));
  if (missing.empty()) return {};
  if (const auto reason = obstacle(cgroup); !reason.empty())
    return "cannot enable controllers in " + path + ": " + reason;
  if (try_enable(cgroup, path, "+" + text::join(missing, " +")).empty()) return {};
  std::string reasons;
  for (const auto& controller : missing) {
    const auto reason = try_enable(cgroup, path, "+" + controller);
    if (!reason.empty()) reasons += (reasons.empty() ? "" : "; ") + reason;
  }
  return reasons;
}

}  // namespace

std::string enable_controllers(Directory& directory) {
  const auto& place = directory.place();
  const std::string of_top = place.mount_point + "/cgroup.controllers";
  if (controllers_in(sys::at_cwd, of_top) == controllers_in(directory.fd(), "cgroup.controllers")) return {};
  std::string reasons;
  std::size_t end = 0;
  while (end != std::string::npos && end < place.path.size()) {  // "", "/a", "/a/b" of "/a/b/c"
    const auto reason = enable_in(place.mount_point + place.path.substr(0, end));
    if (!reason.empty()) reasons += (reasons.empty() ? "" : "; ") + reason;
    end = place.path.find('/', end + 1);
  }
  return reasons;
}

}  // namespace agentsafe::cgroup
