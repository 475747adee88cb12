// Policies as text: reading and printing over the table of fields.
#include "oci/json.h"

#include <algorithm>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/policy/amounts.h"
#include "runtime/policy/egress.h"
#include "runtime/policy/fields.h"

namespace agentsafe::policy {
namespace {

using json::Value;
using ValueKind = json::Value::Kind;

std::string comma_separated(std::string_view words) {
  std::string list;
  for (const auto word : text::split(words, '|')) list.append(list.empty() ? "" : ", ").append(word);
  return list;
}

std::string one_of(std::string_view word, std::string_view words) {
  const auto known = text::split(words, '|');
  if (std::find(known.begin(), known.end(), word) == known.end())
    fail("\"" + text::escaped(word) + "\" is not one of " + comma_separated(words));
  return std::string(word);
}

std::string_view string_in(const Value& value) {
  if (value.kind != ValueKind::string) fail("expected a string");
  return value.text;
}

std::string path_in(const Value& value) {
  const auto path = string_in(value);
  if (!path.starts_with('/')) fail("\"" + text::escaped(path) + "\" is not an absolute path");
  return text::clean_path(path);
}

std::string rewritten(const Value& value) {
  switch (value.kind) {
    case ValueKind::null: return "null";
    case ValueKind::boolean: return value.boolean ? "true" : "false";
    case ValueKind::number: return std::string(value.text);
    case ValueKind::string: return text::json_quoted(value.text);
    case ValueKind::array:
    case ValueKind::object: break;
  }
  const bool is_list = value.kind == ValueKind::array;
  std::string out;
  for (const Value& item : value)
    out.append(out.empty() ? "" : ",")
        .append(is_list ? "" : text::json_quoted(item.name) + ":")
        .append(rewritten(item));
  return is_list ? "[" + out + "]" : "{" + out + "}";
}

std::string guard_rule_in(const Value& value) {
  if (value.kind != ValueKind::object) fail("expected an object");
  for (const Value& member : value) one_of(member.name, "on|match|do");
  const auto part = [&](const char* name) -> const Value& {
    const Value* found = value.find(name);
    if (found == nullptr) fail(std::string("\"") + name + "\" is missing");
    return *found;
  };
  const Value& on = part("on");
  const Value& match = part("match");
  const Value& action = part("do");
  one_of(string_in(on), "dns.query|exec|file.open|limit|net.connect");
  one_of(string_in(action), "log|deny|kill|freeze");
  return "{\"on\":" + rewritten(on) + ",\"match\":" + rewritten(match) + ",\"do\":" + rewritten(action) + "}";
}

std::string port_in(const Value& value) {
  const auto port = value.kind == ValueKind::number ? text::parse<std::uint16_t>(value.text) : std::nullopt;
  if (!port || *port == 0) fail("expected a port from 1 to 65535");
  return std::to_string(*port);
}

std::string entry_in(const Value& value, const Field& field) {
  switch (field.kind) {
    case Kind::paths: return path_in(value);
    case Kind::rules: return guard_rule_in(value);
    case Kind::ports: return port_in(value);
    case Kind::destinations: return to_text(parse_dest(string_in(value)));
    default: break;
  }
  auto word = string_in(value);
  if (word.empty()) fail("an entry is empty");
  if (field.key == "process.capabilities" && word.starts_with("CAP_")) word.remove_prefix(4);
  return field.words.empty() ? std::string(word) : one_of(word, field.words);
}

Words list_in(const Value& value, const Field& field) {
  if (field.kind == Kind::ports && value.kind == ValueKind::string) {
    if (value.text == "none") return {};
    return {one_of(value.text, "engine|auto")};
  }
  if (value.kind != ValueKind::array) fail("expected a list");
  Words list;
  for (const Value& item : value) list.push_back(entry_in(item, field));
  return normal(std::move(list), field.kind);
}

std::uint64_t amount_in(const Value& value, Kind kind) {
  if (value.kind != ValueKind::number && value.kind != ValueKind::string) fail("expected a number or a string");
  const auto amount = parse_amount(value.text, kind);
  if (!amount) fail("\"" + text::escaped(value.text) + "\" is not a right value");
  return *amount;
}

std::string word_in(const Value& value, const Field& field) {
  if (field.kind == Kind::path) return string_in(value).empty() ? "" : path_in(value);
  return one_of(string_in(value), field.words);
}

void read_value(const Value& value, const Field& field, Policy& out) {
  if (const auto* flag = std::get_if<bool Policy::*>(&field.member)) {
    if (value.kind != ValueKind::boolean) fail("expected true or false");
    out.*(*flag) = value.boolean;
  } else if (const auto* number = std::get_if<std::uint64_t Policy::*>(&field.member)) {
    out.*(*number) = amount_in(value, field.kind);
  } else if (const auto* word = std::get_if<std::string Policy::*>(&field.member)) {
    out.*(*word) = word_in(value, field);
  } else if (const auto* list = std::get_if<Words Policy::*>(&field.member)) {
    out.*(*list) = list_in(value, field);
  }
}

void read_field(const Value& value, const Field& field, Policy& out) {
  try {
    read_value(value, field, out);
  } catch (const Error& error) {
    fail(std::string(field.key) + ": " + error.what() + "; a right value is " + std::string(field.example));
  }
}

struct Reading {
  Policy policy;
  Sources& sources;
  const std::string& source;
  std::vector<std::string> violations;
};

// The keys of an object whose own key is "" or ends in a point.
void read_object(const Value& object, const std::string& prefix, Reading& reading) {
  for (const Value& member : object) {
    const std::string key = prefix + std::string(member.name);
    const std::size_t at = find_field(key);
    const auto in_group = [&](const Field& field) {
      return field.key.starts_with(key) && field.key.substr(key.size()).starts_with('.');
    };
    const bool is_group = std::any_of(fields().begin(), fields().end(), in_group);
    if (prefix.empty() && (key == "version" || key == "extends")) continue;
    if (is_group && member.kind == ValueKind::object) {
      read_object(member, key + ".", reading);
    } else if (is_group) {
      reading.violations.push_back(key + ": expected an object");
    } else if (at == fields().size()) {
      reading.violations.push_back(text::escaped(key) + ": there is no such key");
    } else {
      try {
        read_field(member, fields()[at], reading.policy);
        reading.sources[at] = reading.source;
      } catch (const Error& error) {
        reading.violations.emplace_back(error.what());
      }
    }
  }
}

// "[" begins an IPv6 destination, too.
bool starts_json(std::string_view text, Kind kind) {
  if (kind == Kind::destinations) return text.starts_with("[]") || text.starts_with("[\"");
  return text.starts_with('[') || text.starts_with('{') || text.starts_with('"');
}

// What an annotation's text stands for.
std::string as_json(std::string_view text, const Field& field) {
  const bool literal = std::holds_alternative<bool Policy::*>(field.member);
  if (starts_json(text, field.kind) || literal) return std::string(text);
  const bool is_list = std::holds_alternative<Words Policy::*>(field.member);
  if (!is_list || (field.kind == Kind::ports && !text.empty() && (text.front() < '0' || text.front() > '9')))
    return text::json_quoted(text);
  std::string list;
  for (const auto entry : text::split(text, ','))
    list += (list.empty() ? "" : ",") +
            (field.kind == Kind::ports ? std::string(text::trim(entry)) : text::json_quoted(text::trim(entry)));
  return "[" + list + "]";
}

std::string list_text(const Words& list, const Field& field) {
  if (field.kind == Kind::ports && list.empty()) return "\"none\"";
  if (field.kind == Kind::ports && (list.front() == "auto" || list.front() == "engine"))
    return text::json_quoted(list.front());
  std::string all;
  const bool is_json = field.kind == Kind::ports || field.kind == Kind::rules;
  for (const auto& entry : list) all += (all.empty() ? "" : ", ") + (is_json ? entry : text::json_quoted(entry));
  return "[" + all + "]";
}

std::string value_text(const Policy& policy, const Field& field) {
  if (const auto* flag = std::get_if<bool Policy::*>(&field.member)) return policy.*(*flag) ? "true" : "false";
  if (const auto* word = std::get_if<std::string Policy::*>(&field.member)) return text::json_quoted(policy.*(*word));
  if (const auto* list = std::get_if<Words Policy::*>(&field.member)) return list_text(policy.*(*list), field);
  const std::string amount = amount_text(policy.*(*std::get_if<std::uint64_t Policy::*>(&field.member)), field.kind);
  const bool is_number = field.kind == Kind::cpus || field.kind == Kind::count;
  return is_number && amount.front() <= '9' ? amount : text::json_quoted(amount);
}

}  // namespace

Policy read_changes(std::string_view text, Policy base, Sources& sources, const std::string& source) {
  const json::Document document = json::parse(text);
  const Value& root = document.root();
  if (root.kind != ValueKind::object) fail("expected an object; a right value is {\"version\": 1}");
  sources.resize(fields().size());
  Reading reading{std::move(base), sources, source, {}};
  const Value* version = root.find("version");
  if (version == nullptr || version->text != "1" || version->kind != ValueKind::number)
    reading.violations.emplace_back("version: expected the number 1");
  read_object(root, "", reading);
  if (!reading.violations.empty()) fail(text::join(reading.violations, "; "));
  return std::move(reading.policy);
}

Policy read_one(std::string_view key, std::string_view text, Policy base) {
  const std::size_t at = find_field(key);
  if (at == fields().size()) fail("there is no such key");
  const std::string json = as_json(text, fields()[at]);
  const json::Document document = in_context(std::string(key), [&] { return json::parse(json); });
  read_field(document.root(), fields()[at], base);
  return base;
}

std::string value_of(const Policy& policy, std::string_view key) {
  return value_text(policy, fields()[find_field(key)]);
}

std::string to_json(const Policy& policy, unsigned indent) {
  std::string out = "{";
  std::vector<std::string_view> open;  // groups that the text is in
  const auto line = [&] {
    if (out.back() != '{') out += ',';
    if (indent > 0) out.append("\n").append(indent * (open.size() + 1), ' ');
  };
  const auto close_to = [&](std::size_t depth) {
    while (open.size() > depth) {
      open.pop_back();
      if (indent > 0) out.append("\n").append(indent * (open.size() + 1), ' ');
      out += '}';
    }
  };
  const char* const colon = indent > 0 ? ": " : ":";
  line();
  out.append("\"version\"").append(colon).append("1");
  for (const Field& field : fields()) {
    auto parts = text::split(field.key, '.');
    const auto name = parts.back();
    parts.pop_back();
    std::size_t same = 0;
    while (same < std::min(open.size(), parts.size()) && open[same] == parts[same]) ++same;
    close_to(same);
    for (; open.size() < parts.size(); open.push_back(parts[open.size()])) {
      line();
      out.append(text::json_quoted(parts[open.size()])).append(colon).append("{");
    }
    line();
    out.append(text::json_quoted(name)).append(colon).append(value_text(policy, field));
  }
  close_to(0);
  return out + (indent > 0 ? "\n}\n" : "}");
}

}  // namespace agentsafe::policy
