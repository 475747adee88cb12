#include "runtime/process/spawn.h"

#include <sched.h>

#include "runtime/sys/fd.h"

namespace agentsafe::process {

sys::Child spawn_image(FdRef image, const sys::CloneOptions& options, const std::vector<int>& inherit,
                       const std::vector<std::string>& args, FdRef network) {
  return sys::clone3(options, [&] {
    if (network.get() >= 0) sys::setns(network, CLONE_NEWNET);
    for (const int fd : inherit) sys::set_cloexec(FdRef(fd), false);
    sys::execveat(image, args, {});
    return 127;  // the parent sees the channel end
  });
}

}  // namespace agentsafe::process
