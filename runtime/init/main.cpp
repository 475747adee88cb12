// agentsafe-init: the small static program that is all of us that enters a container. Started by the runtime only, as
// `agentsafe-init CHANNEL PLAN` with two inherited descriptors (spawn.h).
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/init/init.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"

namespace {

using namespace agentsafe;

plan::InitPlan read_plan(UniqueFd memfd) {
  const auto size = static_cast<std::size_t>(sys::fstat(memfd).st_size);
  std::string bytes(size, '\0');
  for (std::size_t at = 0; at < size;) {
    const ssize_t n = ::pread(memfd.get(), bytes.data() + at, size - at, static_cast<off_t>(at));
    if (n <= 0) fail_errno("read the plan");
    at += static_cast<std::size_t>(n);
  }
  return wire::decode<plan::InitPlan>(bytes);
}

}  // namespace

int main(int argc, char** argv) {
  const auto channel_fd = argc == 3 ? text::parse<int>(argv[1]) : std::nullopt;
  const auto plan_fd = argc == 3 ? text::parse<int>(argv[2]) : std::nullopt;
  if (!channel_fd || !plan_fd) return 2;
  process::Channel channel{UniqueFd(*channel_fd)};
  try {
    ::umask(0);
    sys::set_cloexec(channel.fd(), true);
    const auto plan = read_plan(UniqueFd(*plan_fd));
    if (plan.namespaces.staged()) init::run_staged(plan, channel);
    init::run(plan, channel);
  } catch (const Error& error) {
    try {
      channel.send(process::Kind::failed, error.error_number(), error.message());
    } catch (const Error&) {  // the runtime has gone: nobody is left to tell
    }
  }
  return 1;
}
