// The built-in policies as data: each is the text of a policy file.
#pragma once
#include <span>
#include <string_view>

namespace agentsafe::policy {

struct Preset {
  std::string_view name;
  std::string_view summary;  // one line
  std::string_view json;
};

// strict, moderate, open, oci.
[[nodiscard]] std::span<const Preset> presets();
[[nodiscard]] const Preset* find_preset(std::string_view name);

}  // namespace agentsafe::policy
