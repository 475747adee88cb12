#include <linux/magic.h>
#include <unistd.h>

#include "oci/spec_json.h"
#include "runtime/cli/default_spec.h"
#include "runtime/cli/invocation.h"
#include "runtime/cli/json_layout.h"
#include "runtime/cli/verbs.h"
#include "runtime/sys/fd.h"

namespace agentsafe::cli {
namespace {

constexpr const char* file_name = "config.json";

bool host_has_cgroup2() {
  const UniqueFd tree = sys::try_openat(sys::at_cwd, "/sys/fs/cgroup", O_PATH | O_DIRECTORY);
  return tree && sys::fstatfs(tree).f_type == CGROUP2_SUPER_MAGIC;
}

}  // namespace

int spec(const Invocation& invocation) {
  std::string folder = invocation.arguments.text("bundle");
  if (folder.empty()) folder = ".";
  const UniqueFd bundle = sys::maybe_openat(sys::at_cwd, folder, O_PATH | O_DIRECTORY);
  if (!bundle) fail_users_file("open the folder " + folder);
  const UniqueFd file = sys::maybe_openat(bundle, file_name, O_WRONLY | O_CREAT | O_EXCL, 0666);
  if (!file && errno == EEXIST) fail("File config.json exists. Remove it first");
  if (!file) fail_errno("create " + folder + "/" + file_name);
  const bool cgroup2 = host_has_cgroup2();
  const oci::Spec content =
      invocation.arguments.on("rootless") ? rootless_spec(::geteuid(), ::getegid(), cgroup2) : default_spec(cgroup2);
  sys::write_all(file, indented(oci::to_json(content), "\t"));
  return 0;
}

}  // namespace agentsafe::cli
