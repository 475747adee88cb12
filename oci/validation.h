// The parts of validate.h, one file per section of the specification; each appends what it finds.
//
//   const Where limits("process.rlimits");
//   const Where limit = limits[2];
//   findings.require(soft <= hard, limit / "soft", "must not exceed hard", section);
//   → process.rlimits[2].soft: must not exceed hard
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "oci/validate.h"

namespace agentsafe::oci {

// A place in config.json, on the stack: it becomes text only when something is wrong there. A place refers to the one
// around it, which therefore must have a name: `a / "b" / "c"` does not compile.
class Where {
 public:
  explicit Where(std::string_view name) : name_(name) {}
  [[nodiscard]] Where operator/(std::string_view member) const& { return {this, member, no_index}; }
  [[nodiscard]] Where operator[](std::size_t index) const& { return {this, {}, index}; }
  Where operator/(std::string_view) const&& = delete;
  Where operator[](std::size_t) const&& = delete;
  [[nodiscard]] std::string text() const;

 private:
  static constexpr std::size_t no_index = SIZE_MAX;
  Where(const Where* around, std::string_view name, std::size_t index) : around_(around), name_(name), index_(index) {}
  const Where* around_ = nullptr;
  std::string_view name_;
  std::size_t index_ = no_index;
};

class Findings {
 public:
  void add(const Where& where, std::string what, std::string_view section) {
    list_.push_back({where.text(), std::move(what), std::string(section)});
  }
  void require(bool holds, const Where& where, std::string_view what, std::string_view section) {
    if (!holds) add(where, std::string(what), section);
  }
  template <std::size_t N>
  void require_known(std::string_view word, const std::string_view (&words)[N], const Where& where,
                     std::string_view section) {
    for (const auto known : words)
      if (known == word) return;
    add_unknown(word, where, section);
  }
  void require_absolute(std::string_view path, const Where& where, std::string_view section) {
    require(path.starts_with('/'), where, "must be an absolute path", section);
  }
  [[nodiscard]] std::vector<Violation> take() { return std::move(list_); }

 private:
  void add_unknown(std::string_view word, const Where& where, std::string_view section);
  std::vector<Violation> list_;
};

// A list of CPUs or memory nodes as the kernel writes them: "0-3,7".
[[nodiscard]] bool is_number_list(std::string_view list);

void validate_process(const Process& process, Findings& findings);
void validate_mounts(const Spec& spec, const NamespaceFacts& facts, Findings& findings);
void validate_hooks(const Hooks& hooks, Findings& findings);
void validate_namespaces(const Spec& spec, const NamespaceFacts& facts, Findings& findings);
void validate_mappings(const std::vector<IdMapping>& map, const Where& where, std::string_view section,
                       Findings& findings);
void validate_sysctl(const Spec& spec, const NamespaceFacts& facts, Findings& findings);
void validate_seccomp(const Seccomp& seccomp, Findings& findings);
void validate_resources(const Resources& resources, const Where& where, Findings& findings);
void validate_linux(const Linux& linux, Findings& findings);
void validate_annotations(const Spec& spec, Findings& findings);

}  // namespace agentsafe::oci
