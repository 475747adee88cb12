#include "oci/validate.h"

#include "oci/validation.h"
#include "runtime/base/text.h"

namespace agentsafe::oci {
namespace {

// Versions of the 1.x line; "1.0.0-rc5", "1.2.0+dev" too.
bool is_supported_version(std::string_view version) {
  const auto core = version.substr(0, version.find_first_of("-+"));
  const auto parts = text::split(core, '.');
  if (parts.size() != 3 || parts[0] != "1") return false;
  return text::parse<unsigned>(parts[1]).has_value() && text::parse<unsigned>(parts[2]).has_value();
}

}  // namespace

std::vector<Violation> validate(const Spec& spec) {
  Findings findings;
  findings.require(is_supported_version(spec.ociVersion), "ociVersion", "must be a version 1.x.y", "config.md#specification-version");
  findings.require(spec.root.has_value(), "root", "is missing", "config.md#root");
  if (spec.root) findings.require(!spec.root->path.empty(), "root.path", "must not be empty", "config.md#root");
  findings.require(spec.process.has_value(), "process", "is missing", "config.md#process");
  if (spec.process) validate_process(*spec.process, findings);
  validate_mounts(spec, findings);
  if (spec.hooks) validate_hooks(*spec.hooks, findings);
  for (const auto& [key, value] : spec.annotations)
    findings.require(!key.empty(), "annotations", "a key must not be empty", "config.md#annotations");
  validate_linux(spec, findings);
  return findings.take();
}

std::vector<Violation> validate_process(const Process& process) {
  Findings findings;
  validate_process(process, findings);
  return findings.take();
}

std::vector<std::string> warnings(const Spec& spec) {
  std::vector<std::string> list;
  const auto& memory = spec.linux && spec.linux->resources ? spec.linux->resources->memory : std::nullopt;
  if (memory && (memory->kernel || memory->kernelTCP))
    list.emplace_back("linux.resources.memory.kernel and kernelTCP are ignored: kernels no longer have these limits");
  return list;
}

std::string describe(const std::vector<Violation>& violations) {
  std::string line = "config.json: ";
  for (const auto& violation : violations) {
    if (&violation != &violations.front()) line += "; ";
    line += violation.path + ": " + violation.what + " (" + violation.section + ")";
  }
  return line;
}

}  // namespace agentsafe::oci
