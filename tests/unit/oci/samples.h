// Files of tests/unit/oci/samples: configurations as engines write them, and one with every property (everything.json).
#pragma once
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace agentsafe::oci {

[[nodiscard]] inline std::string file_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot open " + path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

[[nodiscard]] inline std::string sample(const std::string& name) {
  return file_text(std::string(OCI_TESTS) + "/samples/" + name + ".json");
}

}  // namespace agentsafe::oci
