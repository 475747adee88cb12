#include "runtime/container/hook_output.h"

#include <fcntl.h>

#include "oci/annotations.h"
#include "runtime/base/error.h"
#include "runtime/sys/fd.h"

namespace agentsafe::container {
namespace {

UniqueFd open_to_append(const oci::Spec& spec, std::string_view name) {
  const std::string path = oci::annotation::text(spec, name);
  if (path.empty()) return {};
  return in_context("annotation " + std::string(name), [&] {
    return sys::openat(sys::at_cwd, path, O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | O_NONBLOCK, 0600);
  });
}

}  // namespace

void HookOutput::redirect(std::vector<process::HookPlan>& hooks) const {
  for (auto& hook : hooks) {
    hook.output_fd = output.get();
    hook.error_fd = error.get();
  }
}

HookOutput open_hook_output(const oci::Spec& spec) {
  return {open_to_append(spec, oci::annotation::hooks_stdout), open_to_append(spec, oci::annotation::hooks_stderr)};
}

}  // namespace agentsafe::container
