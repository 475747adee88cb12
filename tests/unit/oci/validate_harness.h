// A spec that is valid, changed in one place; what validate says about it, without the sections.
//
//   EXPECT_EQ(findings([](Spec& spec) { spec.process->cwd = "tmp"; }), "process.cwd: must be an absolute path");
#pragma once
#include <string>
#include <vector>

#include "oci/spec_json.h"
#include "oci/validate.h"
#include "tests/unit/oci/samples.h"

namespace agentsafe::oci {

[[nodiscard]] inline std::string text_of(const std::vector<Violation>& violations) {
  std::string text;
  for (const auto& violation : violations) text += (text.empty() ? "" : "; ") + violation.path + ": " + violation.what;
  return text;
}

template <class Change>
[[nodiscard]] std::string findings(Change change, const HostNamespaces& host = {}) {
  Spec spec = read_spec(sample("everything"));
  change(spec);
  return text_of(validate(spec, host));
}

// Takes a namespace from the list.
inline void drop_namespace(Spec& spec, const std::string& type) {
  std::erase_if(spec.linux->namespaces, [&](const auto& ns) { return ns.type == type; });
}

}  // namespace agentsafe::oci
