// A bundle: a folder with config.json and a root file system. Source: bundle.md.
//
//   oci::Bundle bundle = oci::load("/run/bundles/web");
//   bundle.spec.root->path      // absolute
#pragma once
#include <string>

#include "oci/spec.h"

namespace agentsafe::oci {

struct Bundle {
  std::string path;  // absolute, without links
  std::string text;  // config.json as it was read
  Spec spec;         // root.path made absolute
};

// config: another file than <bundle>/config.json. Throws Error naming the file, and for malformed JSON line and column.
[[nodiscard]] Bundle load(const std::string& bundle, const std::string& config = {});

}  // namespace agentsafe::oci
