// The table of the policy's keys, for the files of this folder: how each is written, and which of two values is the
// narrower one.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

#include "runtime/policy/policy.h"

namespace agentsafe::policy {

enum class Kind : std::uint8_t {
  permission,   // true or false; false is narrower
  restriction,  // true or false; true is narrower
  word,         // one of `words`, from narrow to wide
  profile,      // of seccomp: offline < default < {build, browser, nested} < none
  path,         // an absolute path; two different ones have only "" in common, which stands for none
  size,         // bytes: "4G"; the smaller is narrower, as of all numbers
  count,
  cpus,          // 1.5; "half": of the host's
  duration,      // "30m"
  names,         // a list of plain words; of those in `words` when it is not empty
  paths,         // absolute ones; each covers what lies below it
  ports,         // of ingress
  destinations,  // DEST of egress.h
  rules,         // of guard
};

struct Field {
  std::string_view key;  // "limits.memory"
  Kind kind;
  std::variant<bool Policy::*, std::uint64_t Policy::*, std::string Policy::*, Words Policy::*> member;
  std::string_view example;     // a right value, as JSON
  std::string_view words = {};  // "a|b|c"
  bool lists_denials = false;   // of lists: what is listed is forbidden, so more entries are narrower
};

// In the order of the schema.
[[nodiscard]] std::span<const Field> fields();
// fields().size() when there is no such key.
[[nodiscard]] std::size_t find_field(std::string_view key);

// Sorted, and without entries that another one of the list covers.
[[nodiscard]] Words normal(Words list, Kind kind);

}  // namespace agentsafe::policy
