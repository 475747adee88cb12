// The parts of validate.h, one file per section of the specification; each appends what it finds.
#pragma once
#include <string>
#include <string_view>

#include "oci/validate.h"

namespace agentsafe::oci {

class Findings {
 public:
  void add(std::string path, std::string what, std::string_view section) {
    list_.push_back({std::move(path), std::move(what), std::string(section)});
  }
  void require(bool holds, std::string_view path, std::string_view what, std::string_view section) {
    if (!holds) add(std::string(path), std::string(what), section);
  }
  [[nodiscard]] std::vector<Violation> take() { return std::move(list_); }

 private:
  std::vector<Violation> list_;
};

[[nodiscard]] inline std::string at(std::string_view path, std::size_t index) {
  return std::string(path) + "[" + std::to_string(index) + "]";
}
template <std::size_t N>
[[nodiscard]] bool is_one_of(std::string_view word, const std::string_view (&words)[N]) {
  for (const auto known : words)
    if (known == word) return true;
  return false;
}

struct NamespaceFacts {  // of linux.namespaces: which are private to the container
  bool user = false;
  bool new_user = false;
  bool pid = false;
  bool network = false;
  bool ipc = false;
  bool uts = false;
  bool mount = false;
  bool cgroup = false;
  bool new_time = false;
};
[[nodiscard]] NamespaceFacts namespace_facts(const Spec& spec);

void validate_process(const Process& process, Findings& findings);
void validate_mounts(const Spec& spec, Findings& findings);
void validate_hooks(const Hooks& hooks, Findings& findings);
void validate_namespaces(const Spec& spec, Findings& findings);
void validate_sysctl(const Spec& spec, Findings& findings);
void validate_devices(const Linux& linux, Findings& findings);
void validate_seccomp(const Seccomp& seccomp, Findings& findings);
void validate_resources(const Resources& resources, std::string_view path, Findings& findings);
void validate_linux(const Spec& spec, Findings& findings);

}  // namespace agentsafe::oci
