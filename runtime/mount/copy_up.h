// tmpcopyup: a tmpfs that begins with what it covers. Source: runc's and podman's mount option.
//
//   copy_directory(below, tmpfs);
#pragma once
#include "runtime/base/unique_fd.h"

namespace agentsafe::mount {

// Copies what `from` holds (directories, files, links, devices, with modes, owners and times of modification) into
// `to`, and its own mode and owner. Links are copied, never followed. Without a umask, and with the privilege to give
// away files.
void copy_directory(FdRef from, FdRef to);

}  // namespace agentsafe::mount
