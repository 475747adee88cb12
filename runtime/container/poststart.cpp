#include "runtime/container/poststart.h"

#include "runtime/base/error.h"
#include "runtime/container/hook_output.h"
#include "runtime/process/hooks.h"

namespace agentsafe::container {

void run_poststart_hooks(const Runtime& runtime, const Container& container, const oci::Spec& spec) {
  if (!spec.hooks || spec.hooks->poststart.empty()) return;
  auto hooks = process::plan_hooks(spec.hooks->poststart, container.record.bundle);
  const HookOutput output = open_hook_output(spec);
  output.redirect(hooks);
  const std::string state = oci::to_json(oci_state(container.record, Status::running));
  for (std::size_t i = 0; i < hooks.size(); ++i) {
    try {
      process::run_hook(hooks[i], state);
    } catch (const Error& error) {
      runtime.log->warning("error running poststart hook #" + std::to_string(i) + ": " + error.what());
    }
  }
}

}  // namespace agentsafe::container
