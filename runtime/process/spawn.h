// Starting our own init image: clone3 into the wanted namespaces and cgroup, then execveat of the sealed image.
//
//   UniqueFd image = process::sealed_image(bytes);
//   sys::Child init = process::spawn_image(image, {.flags = CLONE_NEWNS | CLONE_NEWPID}, {channel.get(), plan.get()});
//
// CVE-2019-5736: what enters a container runs from a sealed memfd, so that /proc/PID/exe, however it is opened, can
// never be written and is not the runtime's binary on the host.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/unique_fd.h"
#include "runtime/sys/process.h"

namespace agentsafe::process {

// A memfd with these bytes and every seal (WRITE, GROW, SHRINK, SEAL).
UniqueFd sealed_image(std::string_view bytes);

// `inherit`: the descriptors that stay open in the image beside 0-2; args[0] is the image's name.
sys::Child spawn_image(FdRef image, const sys::CloneOptions& options, const std::vector<int>& inherit,
                       const std::vector<std::string>& args);

}  // namespace agentsafe::process
