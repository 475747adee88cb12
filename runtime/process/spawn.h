// Starting our own init image: clone3 into the wanted namespaces and cgroup, then execveat of the sealed image (ahead.h).
//
//   sys::Child init = process::spawn_image(ahead.image(), {.flags = CLONE_NEWNS | CLONE_NEWPID}, {channel.get(), plan.get()}, …);
#pragma once
#include <string>
#include <vector>

#include "runtime/base/unique_fd.h"
#include "runtime/sys/process.h"

namespace agentsafe::process {

// `inherit`: the descriptors that stay open in the image beside 0-2; args[0] is the image's name. `network`: a namespace
// to join before, if there is one.
sys::Child spawn_image(FdRef image, const sys::CloneOptions& options, const std::vector<int>& inherit,
                       const std::vector<std::string>& args, FdRef network = FdRef(-1));

}  // namespace agentsafe::process
