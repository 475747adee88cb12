#include "oci/validate.h"

#include "oci/validation.h"
#include "runtime/base/text.h"

namespace agentsafe::oci {
namespace {

// Of the 1.x line, as semver.org 2.0: "1.0.2", "1.0.0-rc5", "1.2.0+dev".
bool is_supported_version(std::string_view version) {
  const auto parts = text::split(version.substr(0, version.find_first_of("-+")), '.');
  if (parts.size() != 3 || parts[0] != "1") return false;
  return text::parse<unsigned>(parts[1]).has_value() && text::parse<unsigned>(parts[2]).has_value();
}

void warn_about_hooks(const std::vector<Hook>& hooks, std::vector<std::string>& list) {
  for (const auto& hook : hooks)
    for (const auto& entry : hook.env.value_or(std::vector<std::string>{}))
      if (entry.find('=') == std::string::npos)
        list.push_back("hook " + text::escaped(hook.path) + ": the environment entry \"" + text::escaped(entry) +
                       "\" is not NAME=value");
}

void warn_about_linux(const Linux& linux, std::vector<std::string>& list) {
  if (linux.resources && linux.resources->memory) {
    const auto& memory = *linux.resources->memory;
    if (memory.kernel || memory.kernelTCP)
      list.emplace_back("linux.resources.memory.kernel and kernelTCP are ignored: kernels no longer have these limits");
  }
  constexpr std::uint32_t permission_bits = 07777;
  for (const auto& device : linux.devices)
    if (device.fileMode.value_or(0) > permission_bits)
      list.push_back("linux.devices: " + text::escaped(device.path) +
                     ": only the permission bits of fileMode are used");
}

}  // namespace

std::vector<Violation> validate(const Spec& spec, const HostNamespaces& host) {
  Findings findings;
  findings.require(is_supported_version(spec.ociVersion), Where("ociVersion"), "must be a version 1.x.y",
                   "config.md#specification-version");
  if (!spec.root) findings.add(Where("root"), "is missing", "config.md#root");
  if (spec.root) findings.require(!spec.root->path.empty(), Where("root.path"), "must not be empty", "config.md#root");
  if (!spec.process) findings.add(Where("process"), "is missing", "config.md#process");
  if (spec.process) validate_process(*spec.process, findings);
  const auto facts = namespace_facts(spec, host);
  validate_namespaces(spec, facts, findings);
  validate_mounts(spec, facts, findings);
  if (spec.hooks) validate_hooks(*spec.hooks, findings);
  if (spec.linux) validate_sysctl(spec, facts, findings);
  if (spec.linux) validate_linux(*spec.linux, findings);
  validate_annotations(spec, findings);
  return findings.take();
}

std::vector<Violation> validate_process(const Process& process) {
  Findings findings;
  validate_process(process, findings);
  return findings.take();
}

std::vector<Violation> validate_resources(const Resources& resources) {
  Findings findings;
  validate_resources(resources, Where("linux.resources"), findings);
  return findings.take();
}

std::vector<std::string> warnings(const Spec& spec) {
  std::vector<std::string> list;
  if (spec.annotations.count("") > 0) list.emplace_back("annotations: an annotation without a name");
  if (spec.hooks)
    for (const auto* hooks : {&spec.hooks->prestart, &spec.hooks->createRuntime, &spec.hooks->createContainer,
                              &spec.hooks->startContainer, &spec.hooks->poststart, &spec.hooks->poststop})
      warn_about_hooks(*hooks, list);
  if (spec.linux) warn_about_linux(*spec.linux, list);
  return list;
}

std::string describe(const std::vector<Violation>& violations, std::string_view file) {
  std::string line(file);
  const char* separator = ": ";
  for (const auto& violation : violations) {
    line.append(separator).append(violation.path + ": " + violation.what + " (" + violation.section + ")");
    separator = "; ";
  }
  return line;
}

std::string Where::text() const {
  std::string path = around_ == nullptr ? "" : around_->text();
  if (index_ != no_index) return path + "[" + std::to_string(index_) + "]";
  if (around_ != nullptr) path += ".";
  return path + text::escaped(name_);
}

void Findings::add_unknown(std::string_view word, const Where& where, std::string_view section) {
  add(where, "\"" + text::escaped(word) + "\" is unknown", section);
}

bool is_number_list(std::string_view list) {
  for (const auto range : text::split(list, ',')) {
    const auto dash = range.find('-');
    const auto first = text::parse<unsigned>(text::trim(range.substr(0, dash)));
    const auto last =
        dash == std::string_view::npos ? first : text::parse<unsigned>(text::trim(range.substr(dash + 1)));
    if (!first || !last || *first > *last) return false;
  }
  return true;
}

}  // namespace agentsafe::oci
