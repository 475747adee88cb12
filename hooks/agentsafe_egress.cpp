// An OCI hook (createRuntime, or prestart) that puts agentsafe's packet filter into the network namespace of a
// container that another runtime makes: runc, crun, youki. See README.md beside this file.
//
//   agentsafe-egress [FILE]      FILE: the egress object of a policy; without it nothing may leave
//
// The container's state comes on standard input (runtime.md#state). A status other than 0 makes the runtime give up.
#include <unistd.h>

#include <algorithm>
#include <string>

#include "oci/bundle.h"
#include "oci/json.h"
#include "runtime/base/error.h"
#include "runtime/net/egress.h"
#include "runtime/sys/fd.h"

namespace agentsafe {
namespace {

struct HookState {
  std::int32_t pid = 0;
  std::string bundle;
};

}  // namespace
}  // namespace agentsafe

template <>
inline constexpr auto agentsafe::json::fields<agentsafe::HookState> =
    std::tuple{agentsafe::json::required("pid", &agentsafe::HookState::pid),
               agentsafe::json::required("bundle", &agentsafe::HookState::bundle)};

namespace agentsafe {
namespace {

constexpr std::size_t input_limit = 1U << 20;

// By these the container could change the rules, or send past them.
void check_capabilities(const std::string& bundle) {
  const auto spec = in_context("the container's bundle", [&] { return oci::load(bundle, "").spec; });
  if (!spec.process || !spec.process->capabilities) return;
  const auto& bounding = spec.process->capabilities->bounding;
  for (const char* const name : {"CAP_NET_ADMIN", "CAP_NET_RAW"})
    if (std::find(bounding.begin(), bounding.end(), name) != bounding.end())
      fail(std::string("the container has ") + name + ", by which it could go around the rules: take it from it");
}

void install(const std::string& file) {
  policy::Egress rules;
  if (!file.empty())
    rules = in_context(file, [&] {
      return policy::read_egress(sys::read_all(sys::openat(sys::at_cwd, file, O_RDONLY), input_limit));
    });
  const auto state = in_context("the container's state on standard input",
                                [] { return json::read<HookState>(sys::read_all(FdRef(STDIN_FILENO), input_limit)); });
  check_capabilities(state.bundle);
  UniqueFd netns = sys::openat(sys::at_cwd, "/proc/" + std::to_string(state.pid) + "/ns/net", O_RDONLY);
  if (net::is_own_network(netns))
    fail("the container uses the host's network, whose traffic is not the container's to filter");
  net::Surroundings around{net::host_addresses(), {}, false};
  net::Egress(std::move(netns)).install(rules, around);
}

}  // namespace
}  // namespace agentsafe

int main(int argc, char** argv) {
  try {
    if (argc > 2) agentsafe::fail("expected at most one argument: the file of the egress object");
    agentsafe::install(argc == 2 ? argv[1] : "");
    return 0;
  } catch (const std::exception& error) {
    const std::string line = std::string("agentsafe-egress: ") + error.what() + "\n";
    return ::write(STDERR_FILENO, line.data(), line.size()) < 0 ? 2 : 1;
  }
}
