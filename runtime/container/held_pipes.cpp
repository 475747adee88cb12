#include "runtime/container/held_pipes.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/sys/fd.h"

namespace agentsafe::container {
namespace {

// The open folder of a process that has ended has no attributes either (ENOENT, since Linux 6.2).
std::vector<std::string> numbers_in(FdRef descriptors) {
  try {
    return sys::list_directory(descriptors);
  } catch (const Error& error) {
    if (error.error_number() != ENOENT && error.error_number() != ESRCH) throw;
    return {};
  }
}

}  // namespace

std::vector<HeldPipe> held_pipes(FdRef descriptors) {
  std::vector<HeldPipe> pipes;
  for (const auto& number : numbers_in(descriptors)) {
    const auto name = sys::try_readlinkat(descriptors, number);
    const auto info = sys::try_fstatat(descriptors, number);
    if (name && info && name->starts_with("pipe:["))
      pipes.push_back({text::parse<int>(number).value_or(-1), *name, (info->st_mode & S_IRUSR) != 0,
                       (info->st_mode & S_IWUSR) != 0});
  }
  return pipes;
}

std::vector<HeldPipe> held_pipes(pid_t pid) {
  const UniqueFd dir = sys::try_openat(sys::at_cwd, "/proc/" + std::to_string(pid) + "/fd", O_RDONLY | O_DIRECTORY);
  return dir ? held_pipes(dir) : std::vector<HeldPipe>();
}

}  // namespace agentsafe::container
