// Run at build time:  agentsafe-profiles OUTPUT.cpp FILE...   compiles profile files into the table of profiles.h.
// A file that extends another must come after it. Anything that is not clean fails the build.
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>

#include "oci/json_value.h"
#include "runtime/base/error.h"
#include "runtime/security/profile_rules.h"
#include "runtime/security/seccomp.h"

namespace agentsafe::security {
namespace {

std::string without_white_space(const std::string& json) {
  std::string compact;
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (c == '"') in_string = !in_string;
    if (in_string && c == '\\') fail("a profile has no escapes");
    if (in_string || std::string_view(" \n").find(c) == std::string_view::npos) compact += c;
  }
  return compact;
}

std::string base_name(const std::string& path) {
  const std::string file = path.substr(path.rfind('/') + 1);
  return file.substr(0, file.rfind(".json"));
}

// Escaped, 24 characters a line.
std::string literal(std::string_view bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i % 24 == 0) text += i == 0 ? "      \"" : "\"\n      \"";
    char octal[5];
    std::snprintf(octal, sizeof octal, "\\%03o", static_cast<unsigned>(static_cast<unsigned char>(bytes[i])));
    text += octal;
  }
  return text + "\"sv";
}

class Generator {
 public:
  void add(const std::string& path) {
    std::ifstream file(path);
    std::stringstream content;
    content << file.rdbuf();
    if (!file) fail("read it");
    const std::string json = content.str(), name = base_name(path);
    ProfileRules rules = read_profile(json);
    if (!rules.extends.empty()) rules = extended(known_.at(rules.extends), rules);
    std::vector<std::string> warnings;
    const SeccompProgram program = compile(rules.seccomp, warnings);
    if (!warnings.empty()) fail(warnings.front());
    if (program.wants_listener) fail("a profile of ours asks no agent");
    const json::Document document = json::parse(json);
    rows_ += "    {" + literal(name) + ",\n" + literal(document.root().find("comment")->text) + ",\n" +
             literal(without_white_space(json)) + ",\n" + literal(program.instructions) + ",\n      " +
             std::to_string(program.flags) + "},\n";
    known_.emplace(name, std::move(rules));
  }

  [[nodiscard]] std::string source() const {
    return "// Written by agentsafe-profiles.\n#include \"runtime/security/profiles.h\"\n\n"
           "namespace agentsafe::security {\nnamespace {\n\nusing namespace std::string_view_literals;\n\n"
           "constexpr Profile table[] = {\n" +
           rows_ + "};\n\n}  // namespace\n\nstd::span<const Profile> profiles() { return table; }\n\n" +
           "}  // namespace agentsafe::security\n";
  }

 private:
  std::map<std::string, ProfileRules> known_;
  std::string rows_;
};

}  // namespace
}  // namespace agentsafe::security

int main(int argc, char** argv) {
  agentsafe::security::Generator generator;
  for (int i = 2; i < argc; ++i) {
    try {
      generator.add(argv[i]);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s: %s\n", argv[i], error.what());
      return 1;
    }
  }
  std::ofstream output(argv[1]);
  output << generator.source() << std::flush;
  return output ? 0 : 1;
}
