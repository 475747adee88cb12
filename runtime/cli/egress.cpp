#include "runtime/base/error.h"
#include "runtime/cli/invocation.h"
#include "runtime/cli/verbs.h"
#include "runtime/sys/fd.h"

namespace agentsafe::cli {
namespace {

constexpr std::size_t file_limit = 1U << 20;

std::string text_of(const std::string& file) {
  if (file == "-") return sys::read_all(FdRef(STDIN_FILENO), file_limit);
  const UniqueFd opened = sys::maybe_openat(sys::at_cwd, file, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!opened) fail_users_file("open " + file);
  return sys::read_all(opened, file_limit);
}

}  // namespace

int egress(const Invocation& invocation) {
  const auto& words = invocation.arguments.positional();
  const bool json = invocation.arguments.on("json");
  if (words.size() == 2 && words[0] == "show") {
    invocation.print(container::egress_show(invocation.runtime, words[1], json));
    return 0;
  }
  if (words.size() != 3 || words[0] != "set" || json)
    throw UsageError("expected: egress show CONTAINER-ID, or egress set CONTAINER-ID FILE");
  const std::string text = text_of(words[2]);
  in_context(words[2] == "-" ? "standard input" : words[2],
             [&] { container::egress_set(invocation.runtime, words[1], text); });
  return 0;
}

int why(const Invocation& invocation) {
  const auto& words = invocation.arguments.positional();
  auto& runtime = invocation.runtime;
  const auto answer = [&]() -> std::string {
    if (words.size() == 3 && words[1] == "connect") return container::why_connect(runtime, words[0], words[2]);
    if (words.size() == 3 && words[1] == "open") return container::why_open(runtime, words[0], words[2]);
    if (words.size() == 3 && words[1] == "exec") return container::why_exec(runtime, words[0], words[2]);
    if (words.size() == 3 && words[1] == "capability") return container::why_capability(runtime, words[0], words[2]);
    throw UsageError("expected: why CONTAINER-ID connect ADDRESS:PORT, open PATH, exec PATH or capability NAME");
  };
  invocation.print(answer());
  return 0;
}

}  // namespace agentsafe::cli
