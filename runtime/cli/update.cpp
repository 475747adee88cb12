#include "oci/spec_json.h"
#include "runtime/cli/invocation.h"
#include "runtime/cli/update_flags.h"
#include "runtime/cli/verbs.h"
#include "runtime/sys/fd.h"

namespace agentsafe::cli {
namespace {

oci::Resources read_resources(const std::string& file) {
  if (file == "-")
    return in_context("standard input", [] { return oci::read_resources(sys::read_all(FdRef(STDIN_FILENO))); });
  const UniqueFd opened = sys::maybe_openat(sys::at_cwd, file, O_RDONLY);
  if (!opened) fail_users_file("open " + file);
  return in_context(file, [&] { return oci::read_resources(sys::read_all(opened)); });
}

std::optional<std::string> given_text(const Arguments& given, std::string_view name) {
  if (!given.given(name)) return std::nullopt;
  return given.text(name);
}

}  // namespace

int update(const Invocation& invocation) {
  const Arguments& given = invocation.arguments;
  container::UpdateRequest request;
  request.id = invocation.id();
  if (const std::string file = given.text("resources"); !file.empty()) request.resources = read_resources(file);
  apply_update_flags(request.resources, given, *invocation.runtime.log);
  request.l3_cache_schema = given_text(given, "l3-cache-schema");
  request.mem_bw_schema = given_text(given, "mem-bw-schema");
  container::update(invocation.runtime, request);
  return 0;
}

}  // namespace agentsafe::cli
