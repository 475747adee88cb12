#include "oci/bundle.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>

#include "oci/spec_json.h"
#include "runtime/base/error.h"
#include "runtime/base/unique_fd.h"

namespace agentsafe::oci {
namespace {

constexpr std::size_t config_limit = 16U << 20;

// realpath(3) asks for each part of the path, and brings locales along.
std::string real_path(const std::string& path) {
  const UniqueFd bundle(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!bundle) fail_errno("open the bundle " + path);
  const std::string link = "/proc/self/fd/" + std::to_string(bundle.get());
  char resolved[PATH_MAX];
  const ssize_t size = ::readlink(link.c_str(), resolved, sizeof resolved);
  if (size < 0) fail_errno("read " + link);
  return {resolved, static_cast<std::size_t>(size)};
}

// Non-blocking: a FIFO in place of the file must not hang us.
std::string read_config(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) fail_errno("open " + path);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) fail_errno("stat " + path);
  if (!S_ISREG(info.st_mode)) fail(path + " is not a regular file");
  if (static_cast<std::size_t>(info.st_size) > config_limit) fail(path + " is larger than 16 MiB");
  std::string text(static_cast<std::size_t>(info.st_size), '\0');
  std::size_t used = 0;
  while (used < text.size()) {
    const ssize_t n = ::read(file.get(), text.data() + used, text.size() - used);
    if (n < 0 && errno != EINTR) fail_errno("read " + path);
    if (n == 0) break;
    if (n > 0) used += static_cast<std::size_t>(n);
  }
  text.resize(used);
  return text;
}

}  // namespace

Bundle load(const std::string& path, const std::string& config) {
  Bundle bundle;
  bundle.path = real_path(path);
  const std::string file = config.empty() ? bundle.path + "/config.json" : config;
  bundle.text = read_config(file);
  bundle.spec = in_context(file, [&] { return read_spec(bundle.text); });
  if (bundle.spec.root && !bundle.spec.root->path.empty() && !bundle.spec.root->path.starts_with('/'))
    bundle.spec.root->path = bundle.path + "/" + bundle.spec.root->path;
  return bundle;
}

}  // namespace agentsafe::oci
