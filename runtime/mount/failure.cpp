#include "runtime/base/text.h"
#include "runtime/mount/rootfs_plan.h"

namespace agentsafe::mount {

std::string failure_of(const MountStep& step) {
  return "error mounting \"" + text::escaped(step.source.empty() ? step.type : step.source) + "\" to rootfs at \"" +
         text::escaped(step.destination) + "\"";
}

}  // namespace agentsafe::mount
