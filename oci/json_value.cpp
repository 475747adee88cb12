#include "oci/json_value.h"

#include <yajl/yajl_parse.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>

#include "oci/unicode.h"
#include "runtime/base/error.h"
#include "runtime/base/text.h"

namespace agentsafe::json {

constexpr std::size_t size_limit = 16U << 20;
constexpr std::size_t depth_limit = 64;
constexpr std::size_t value_limit = 1U << 20;

// Fills a document from yajl's callbacks. A callback that answers 0 cancels; `refusal` says why.
class Builder {
 public:
  explicit Builder(std::string_view text) : text_(text) { values().reserve(text.size() / bytes_per_value + 1); }
  std::string refusal;

  int add(Value::Kind kind, std::string_view text = {}, bool boolean = false) {
    if (values().size() == value_limit) return refuse("more than " + std::to_string(value_limit) + " values");
    const auto kept = keep(text);
    if (!kept) return 0;
    if (!open_.empty()) ++values()[open_.back()].count;
    values().push_back({.kind = kind, .boolean = boolean, .name = name_, .text = *kept});
    name_ = {};
    return 1;
  }
  int open(Value::Kind kind) {
    if (open_.size() == depth_limit) return refuse("nested deeper than " + std::to_string(depth_limit) + " levels");
    if (add(kind) == 0) return 0;
    open_.push_back(values().size() - 1);
    return 1;
  }
  int close() {
    Value& closed = values()[open_.back()];
    closed.extent = values().size() - open_.back();
    open_.pop_back();
    return closed.kind == Value::Kind::object ? check_names(closed) : 1;
  }
  int name(std::string_view text) {
    const auto kept = keep(text);
    if (!kept) return 0;
    name_ = *kept;
    return 1;
  }
  Document take() { return std::move(document_); }

 private:
  // The same characters, where they last as long as the document; nothing when they are refused.
  std::optional<std::string_view> keep(std::string_view characters) {
    if (characters.data() == nullptr) return characters;
    if (characters.find('\0') != std::string_view::npos) {
      refuse("a string holds a NUL character");
      return std::nullopt;
    }
    const std::less_equal<const char*> before;  // ordered also for pointers into different objects
    const char* const end = characters.data() + characters.size();
    if (before(text_.data(), characters.data()) && before(end, text_.data() + text_.size())) return characters;
    return document_.unescaped_.emplace_back(characters);
  }
  int check_names(const Value& object) {
    names_.clear();
    for (const auto& member : object) names_.push_back(member.name);
    std::sort(names_.begin(), names_.end());
    const auto twice = std::adjacent_find(names_.begin(), names_.end());
    if (twice == names_.end()) return 1;
    return refuse("the name \"" + text::escaped(twice->substr(0, 80)) + "\" stands twice in the object that ends here");
  }
  int refuse(std::string why) {
    refusal = std::move(why);
    return 0;
  }
  std::vector<Value>& values() { return document_.values_; }

  static constexpr std::size_t bytes_per_value = 16;  // about what a config.json has
  std::string_view text_;
  Document document_;
  std::vector<std::size_t> open_;
  std::vector<std::string_view> names_;
  std::string_view name_;  // of the member whose value comes next
};

namespace {

using Kind = Value::Kind;

Builder& builder(void* context) { return *static_cast<Builder*>(context); }
std::string_view view(const unsigned char* text, std::size_t size) {
  return {reinterpret_cast<const char*>(text), size};
}

constexpr yajl_callbacks callbacks = {
    .yajl_null = [](void* context) { return builder(context).add(Kind::null); },
    .yajl_boolean = [](void* context, int value) { return builder(context).add(Kind::boolean, {}, value != 0); },
    .yajl_integer = nullptr,
    .yajl_double = nullptr,
    .yajl_number =
        [](void* context, const char* digits, std::size_t size) {
          return builder(context).add(Kind::number, {digits, size});
        },
    .yajl_string = [](void* context, const unsigned char* text,
                      std::size_t size) { return builder(context).add(Kind::string, view(text, size)); },
    .yajl_start_map = [](void* context) { return builder(context).open(Kind::object); },
    .yajl_map_key = [](void* context, const unsigned char* text,
                       std::size_t size) { return builder(context).name(view(text, size)); },
    .yajl_end_map = [](void* context) { return builder(context).close(); },
    .yajl_start_array = [](void* context) { return builder(context).open(Kind::array); },
    .yajl_end_array = [](void* context) { return builder(context).close(); },
};

struct FreeParser {
  void operator()(yajl_handle_t* parser) const { yajl_free(parser); }
};

std::string yajl_message(yajl_handle parser) {
  unsigned char* const raw = yajl_get_error(parser, 0, nullptr, 0);
  std::string message(text::trim(reinterpret_cast<const char*>(raw)));
  yajl_free_error(parser, raw);
  for (const std::string_view prefix : {"parse error: ", "lexical error: "})
    if (message.starts_with(prefix)) message.erase(0, prefix.size());
  return message;
}

// offset: of the byte behind the one that is wrong.
[[noreturn]] void fail_at(std::string_view text, std::size_t offset, const std::string& what) {
  const auto before = text.substr(0, std::max<std::size_t>(offset, 1) - 1);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const auto newline = before.rfind('\n');
  const auto column = before.size() - (newline == std::string_view::npos ? 0 : newline + 1) + 1;
  fail("line " + std::to_string(line) + ", column " + std::to_string(column) + ": " + what);
}

void check_characters(std::string_view text) {
  const std::size_t valid = utf8_prefix(text);
  if (valid < text.size()) fail_at(text, valid + 1, "invalid UTF-8");
  if (const auto at = lone_surrogate(text)) fail_at(text, *at + 1, "half of a surrogate pair");
}

}  // namespace

const Value* Value::find(std::string_view member) const {
  for (const auto& item : *this)
    if (item.name == member) return &item;
  return nullptr;
}

Document parse(std::string_view text) {
  if (text.size() > size_limit) fail("more than " + std::to_string(size_limit) + " bytes of JSON");
  check_characters(text);
  Builder builder(text);
  const std::unique_ptr<yajl_handle_t, FreeParser> parser(yajl_alloc(&callbacks, nullptr, &builder));
  if (!parser) fail("parse JSON: out of memory");
  yajl_status status = yajl_parse(parser.get(), reinterpret_cast<const unsigned char*>(text.data()), text.size());
  std::size_t offset = yajl_get_bytes_consumed(parser.get());
  if (status == yajl_status_ok) {
    status = yajl_complete_parse(parser.get());
    offset = text.size();
  }
  if (status == yajl_status_client_canceled) fail_at(text, offset, builder.refusal);
  if (status != yajl_status_ok) fail_at(text, offset, yajl_message(parser.get()));
  return builder.take();
}

}  // namespace agentsafe::json
