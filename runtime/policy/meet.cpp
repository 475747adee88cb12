// The order of the values of each kind. A list of permissions stands for all that its entries cover, so what two lists
// have in common is what pairs of their entries have in common; in normal form equal sets are equal lists.
#include <algorithm>
#include <optional>

#include "runtime/base/text.h"
#include "runtime/policy/egress.h"
#include "runtime/policy/fields.h"

namespace agentsafe::policy {
namespace {

bool lies_in(std::string_view path, std::string_view folder) {
  return path == folder || folder == "/" || (path.starts_with(folder) && path[folder.size()] == '/');
}

std::optional<Dest> common(const Dest& a, const Dest& b) {
  const Network& x = a.network;
  const Network& y = b.network;
  if (a.transport != b.transport || a.name != b.name || !x.overlaps(y)) return std::nullopt;
  Dest both = x.prefix >= y.prefix ? a : b;
  both.first_port = std::max(a.first_port, b.first_port);
  both.last_port = std::min(a.last_port, b.last_port);
  if (both.first_port > both.last_port) return std::nullopt;
  return both;
}

// What both entries allow.
std::optional<std::string> common_entry(const std::string& a, const std::string& b, Kind kind) {
  if (a == b) return a;
  if (kind == Kind::paths && lies_in(a, b)) return a;
  if (kind == Kind::paths && lies_in(b, a)) return b;
  if (kind == Kind::names && a == everything) return b;
  if (kind == Kind::names && b == everything) return a;
  if (kind == Kind::ports && a == "engine") return b;
  if (kind == Kind::ports && b == "engine") return a;
  if (kind != Kind::destinations) return std::nullopt;
  const auto both = common(parse_dest(a), parse_dest(b));
  if (!both) return std::nullopt;
  return to_text(*both);
}

Words meet_lists(const Words& a, const Words& b, const Field& field) {
  Words both;
  if (field.lists_denials) {
    both = a;
    both.insert(both.end(), b.begin(), b.end());
    return normal(std::move(both), field.kind);
  }
  for (const auto& x : a)
    for (const auto& y : b)
      if (auto entry = common_entry(x, y, field.kind)) both.push_back(std::move(*entry));
  return normal(std::move(both), field.kind);
}

std::string meet_profiles(const std::string& a, const std::string& b) {
  if (a == b || b == "none") return a;
  if (a == "none") return b;
  if (a == "agent-offline" || b == "agent-offline") return "agent-offline";
  return "agent-default";
}

std::string meet_words(const std::string& a, const std::string& b, const Field& field) {
  if (field.kind == Kind::path) return a == b ? a : "";
  if (field.kind == Kind::profile) return meet_profiles(a, b);
  const auto words = text::split(field.words, '|');
  return std::find(words.begin(), words.end(), a) < std::find(words.begin(), words.end(), b) ? a : b;
}

}  // namespace

Words normal(Words list, Kind kind) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
  Words kept;
  for (const auto& entry : list) {
    const auto covers = [&](const std::string& other) {
      return other != entry && common_entry(entry, other, kind) == entry;
    };
    if (std::none_of(list.begin(), list.end(), covers)) kept.push_back(entry);
  }
  return kept;
}

Policy meet(const Policy& a, const Policy& b) {
  Policy both;
  for (const Field& field : fields()) {
    if (const auto* flag = std::get_if<bool Policy::*>(&field.member)) {
      both.*(*flag) = field.kind == Kind::restriction ? a.*(*flag) || b.*(*flag) : a.*(*flag) && b.*(*flag);
    } else if (const auto* number = std::get_if<std::uint64_t Policy::*>(&field.member)) {
      both.*(*number) = std::min(a.*(*number), b.*(*number));
    } else if (const auto* word = std::get_if<std::string Policy::*>(&field.member)) {
      both.*(*word) = meet_words(a.*(*word), b.*(*word), field);
    } else if (const auto* list = std::get_if<Words Policy::*>(&field.member)) {
      both.*(*list) = meet_lists(a.*(*list), b.*(*list), field);
    }
  }
  return both;
}

}  // namespace agentsafe::policy
