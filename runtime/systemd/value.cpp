#include "runtime/systemd/value.h"

#include "runtime/base/text.h"

namespace agentsafe::systemd {
namespace {

std::string joined(const Value& value, const char* open, const char* close) {
  std::string out = open;
  for (std::size_t i = 0; i < value.items.size(); ++i) out += (i == 0 ? "" : ", ") + to_text(value.items[i]);
  return out + close;
}

}  // namespace

Value number(char type, std::uint64_t bits) { return {std::string(1, type), bits, {}, {}}; }
Value boolean(bool value) { return number('b', value ? 1 : 0); }
Value text(std::string_view value) { return {"s", 0, std::string(value), {}}; }
Value bytes(std::string value) { return {"ay", 0, std::move(value), {}}; }

Value array(std::string_view element, std::vector<Value> items) {
  return {"a" + std::string(element), 0, {}, std::move(items)};
}

Value structure(std::vector<Value> items) {
  std::string signature = "(";
  for (const auto& item : items) signature += item.signature;
  return {signature + ")", 0, {}, std::move(items)};
}

std::string to_text(const Value& value) {
  if (value.signature == "ay") {
    std::string out = "bytes";
    for (const char byte : value.text) out += " " + std::to_string(static_cast<unsigned char>(byte));
    return out;
  }
  switch (value.signature.front()) {
    case 's':
    case 'o':
    case 'g': return "'" + agentsafe::text::escaped(value.text) + "'";
    case 'b': return value.bits != 0 ? "true" : "false";
    case 't': return "uint64 " + std::to_string(value.bits);
    case 'u': return "uint32 " + std::to_string(value.bits);
    case 'a': return joined(value, "[", "]");
    case '(': return joined(value, "(", ")");
    case '{': return joined(value, "{", "}");
    case 'v': return joined(value, "<", ">");
    default:
      return std::string(1, value.signature.front()) + " " + std::to_string(static_cast<std::int64_t>(value.bits));
  }
}

}  // namespace agentsafe::systemd
