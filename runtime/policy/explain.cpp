#include "runtime/policy/explain.h"

#include "runtime/base/text.h"
#include "runtime/policy/fields.h"

namespace agentsafe::policy {
namespace {

const std::string& source_of(const Resolved& chosen, std::string_view key) {
  return chosen.sources.at(find_field(key));
}

std::string or_nothing(const std::string& value) { return value.empty() ? "(nothing)" : text::escaped(value); }

std::string member(std::string_view name, std::string_view value) {
  return text::json_quoted(name) + ":" + text::json_quoted(value);
}

void append(std::string& list, const std::string& item) { list.append(list.empty() ? "" : ",").append(item); }

std::vector<Change> all_changes(const Resolved& chosen, const Hardened& hardened) {
  auto all = hardened.changes;
  for (auto& change : network_changes(chosen.policy)) all.push_back(std::move(change));
  return all;
}

}  // namespace

std::string explain(const Resolved& chosen, const Hardened& hardened) {
  std::string out = "policy " + text::escaped(chosen.name) + "\n";
  for (const auto& refusal : hardened.refusals)
    out.append("refused: ")
        .append(text::escaped(refusal.what))
        .append("\n    rule ")
        .append(refusal.key)
        .append(", from ")
        .append(text::escaped(source_of(chosen, refusal.key)))
        .append("\n");
  for (const auto& change : all_changes(chosen, hardened))
    out.append(text::escaped(change.property))
        .append(": ")
        .append(or_nothing(change.before))
        .append(" -> ")
        .append(or_nothing(change.after))
        .append("\n    rule ")
        .append(change.key)
        .append(", from ")
        .append(text::escaped(source_of(chosen, change.key)))
        .append(": ")
        .append(change.why)
        .append("\n");
  for (const auto& note : hardened.notes) out.append("note: ").append(text::escaped(note)).append("\n");
  if (hardened.refusals.empty() && all_changes(chosen, hardened).empty()) out += "nothing is changed and nothing refused\n";
  return out;
}

std::string explain_json(const Resolved& chosen, const Hardened& hardened) {
  std::string changes;
  for (const auto& change : all_changes(chosen, hardened))
    append(changes, "{" + member("property", change.property) + "," + member("before", change.before) + "," +
                        member("after", change.after) + "," + member("rule", change.key) + "," +
                        member("source", source_of(chosen, change.key)) + "," + member("why", change.why) + "}");
  std::string refusals;
  for (const auto& refusal : hardened.refusals)
    append(refusals, "{" + member("what", refusal.what) + "," + member("rule", refusal.key) + "," +
                         member("source", source_of(chosen, refusal.key)) + "}");
  std::string notes;
  for (const auto& note : hardened.notes) append(notes, text::json_quoted(note));
  return "{" + member("policy", chosen.name) + ",\"changes\":[" + changes + "],\"refusals\":[" + refusals +
         "],\"notes\":[" + notes + "]}";
}

std::string explain(const Resolved& chosen) {
  std::string out = "policy " + text::escaped(chosen.name) + "\n";
  const Policy plain;
  for (const Field& field : fields()) {
    const std::string value = value_of(chosen.policy, field.key);
    if (value != value_of(plain, field.key))
      out.append(field.key)
          .append(": ")
          .append(text::escaped(value))
          .append("\n    from ")
          .append(text::escaped(source_of(chosen, field.key)))
          .append("\n");
  }
  return out;
}

}  // namespace agentsafe::policy
