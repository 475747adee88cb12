#include "runtime/process/spawn.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "runtime/sys/fd.h"

namespace agentsafe::process {

UniqueFd sealed_image(std::string_view bytes) {
  UniqueFd image = sys::memfd("agentsafe-init", true);
  sys::write_all(image, bytes);
  sys::seal(image, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
  return image;
}

sys::Child spawn_image(FdRef image, const sys::CloneOptions& options, const std::vector<int>& inherit,
                       const std::vector<std::string>& args) {
  return sys::clone3(options, [&] {
    for (const int fd : inherit) sys::set_cloexec(FdRef(fd), false);
    sys::execveat(image, args, {});
    return 127;  // the parent sees the channel end
  });
}

}  // namespace agentsafe::process
