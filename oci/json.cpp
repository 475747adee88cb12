#include "oci/json.h"

#include <yajl/yajl_parse.h>

#include <algorithm>
#include <charconv>
#include <memory>

namespace agentsafe::json {
namespace {

constexpr std::size_t size_limit = 16U << 20;
constexpr std::size_t depth_limit = 64;

// Fills a tree from yajl's callbacks. A callback that answers 0 cancels; `refusal` says why.
class Builder {
 public:
  Value root;
  std::string refusal;

  int add(Value value) {
    if (open_.empty()) {
      root = std::move(value);
      return 1;
    }
    Value& parent = *open_.back();
    if (parent.kind == Value::Kind::array) {
      parent.items.push_back(std::move(value));
    } else {
      parent.members.back().value = std::move(value);
    }
    return 1;
  }
  int open(Value::Kind kind) {
    if (open_.size() == depth_limit) return refuse("nested deeper than " + std::to_string(depth_limit) + " levels");
    Value value;
    value.kind = kind;
    add(std::move(value));
    // Stable until it is closed: only the last element of each parent is ever open.
    open_.push_back(open_.empty() ? &root : last_of(*open_.back()));
    return 1;
  }
  int close() {
    open_.pop_back();
    return 1;
  }
  int name(std::string_view text) {
    Value& object = *open_.back();
    if (object.find(text) != nullptr) return refuse("the name \"" + text::escaped(text) + "\" stands twice in an object");
    if (!clean(text)) return 0;
    object.members.push_back({std::string(text), Value{}});
    return 1;
  }
  int string(std::string_view text) {
    if (!clean(text)) return 0;
    Value value;
    value.kind = Value::Kind::string;
    value.text = text;
    return add(std::move(value));
  }

 private:
  static Value* last_of(Value& parent) {
    return parent.kind == Value::Kind::array ? &parent.items.back() : &parent.members.back().value;
  }
  bool clean(std::string_view text) {
    if (text.find('\0') == std::string_view::npos) return true;
    refuse("a string holds a NUL character");
    return false;
  }
  int refuse(std::string why) {
    refusal = std::move(why);
    return 0;
  }
  std::vector<Value*> open_;
};

Builder& builder(void* context) { return *static_cast<Builder*>(context); }
std::string_view view(const unsigned char* text, std::size_t size) { return {reinterpret_cast<const char*>(text), size}; }

constexpr yajl_callbacks callbacks = {
    .yajl_null = [](void* context) { return builder(context).add({}); },
    .yajl_boolean =
        [](void* context, int boolean) {
          Value value;
          value.kind = Value::Kind::boolean;
          value.boolean = boolean != 0;
          return builder(context).add(std::move(value));
        },
    .yajl_integer = nullptr,
    .yajl_double = nullptr,
    .yajl_number =
        [](void* context, const char* digits, std::size_t size) {
          Value value;
          value.kind = Value::Kind::number;
          value.text.assign(digits, size);
          return builder(context).add(std::move(value));
        },
    .yajl_string = [](void* context, const unsigned char* text,
                      std::size_t size) { return builder(context).string(view(text, size)); },
    .yajl_start_map = [](void* context) { return builder(context).open(Value::Kind::object); },
    .yajl_map_key = [](void* context, const unsigned char* text,
                       std::size_t size) { return builder(context).name(view(text, size)); },
    .yajl_end_map = [](void* context) { return builder(context).close(); },
    .yajl_start_array = [](void* context) { return builder(context).open(Value::Kind::array); },
    .yajl_end_array = [](void* context) { return builder(context).close(); },
};

struct FreeParser {
  void operator()(yajl_handle_t* parser) const { yajl_free(parser); }
};

std::string yajl_message(yajl_handle parser) {
  unsigned char* const raw = yajl_get_error(parser, 0, nullptr, 0);
  std::string message(text::trim(reinterpret_cast<const char*>(raw)));
  yajl_free_error(parser, raw);
  const std::string_view prefix = "parse error: ";
  return message.starts_with(prefix) ? message.substr(prefix.size()) : message;
}

[[noreturn]] void fail_at(std::string_view text, std::size_t offset, const std::string& what) {
  const auto before = text.substr(0, offset);
  const auto line = 1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
  const auto last_newline = before.rfind('\n');
  const auto column = last_newline == std::string_view::npos ? before.size() : before.size() - last_newline - 1;
  fail("line " + std::to_string(line) + ", column " + std::to_string(std::max<std::size_t>(column, 1)) + ": " + what);
}

}  // namespace

const Value* Value::find(std::string_view name) const {
  for (const auto& member : members)
    if (member.name == name) return &member.value;
  return nullptr;
}

Value parse(std::string_view text) {
  if (text.size() > size_limit) fail("more than " + std::to_string(size_limit) + " bytes of JSON");
  Builder builder;
  const std::unique_ptr<yajl_handle_t, FreeParser> parser(yajl_alloc(&callbacks, nullptr, &builder));
  const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data());
  yajl_status status = yajl_parse(parser.get(), bytes, text.size());
  if (status == yajl_status_ok) status = yajl_complete_parse(parser.get());
  const std::size_t offset = std::min(yajl_get_bytes_consumed(parser.get()), text.size());
  if (status == yajl_status_client_canceled) fail_at(text, offset, builder.refusal);
  if (status != yajl_status_ok) fail_at(text, offset, yajl_message(parser.get()));
  return std::move(builder.root);
}

void Reader::violation(std::string_view what) {
  std::string line;
  for (const auto name : path_) line.append(text::escaped(name)).append(": ");
  violations_.push_back(line.append(what));
}

void Reader::finish() const {
  if (!violations_.empty()) fail(text::join(violations_, "; "));
}

void Reader::read(const Value& value, bool& out) {
  if (value.kind != Value::Kind::boolean) return violation("expected true or false");
  out = value.boolean;
}

void Reader::read(const Value& value, double& out) {
  if (value.kind != Value::Kind::number) return violation("expected a number");
  const char* const end = value.text.data() + value.text.size();
  if (std::from_chars(value.text.data(), end, out).ptr != end) violation(value.text + " is not a number");
}

void Reader::read(const Value& value, std::string& out) {
  if (value.kind != Value::Kind::string) return violation("expected a string");
  out = value.text;
}

Writer::Writer(unsigned indent) : gen_(yajl_gen_alloc(nullptr)), indent_(indent, ' ') {
  if (indent == 0) return;
  yajl_gen_config(gen_, yajl_gen_beautify, 1);
  yajl_gen_config(gen_, yajl_gen_indent_string, indent_.c_str());
}

Writer::~Writer() { yajl_gen_free(gen_); }

std::string Writer::text() const {
  const unsigned char* bytes = nullptr;
  std::size_t size = 0;
  yajl_gen_get_buf(gen_, &bytes, &size);
  return std::string(view(bytes, size));
}

void Writer::write(bool value) { yajl_gen_bool(gen_, value ? 1 : 0); }

void Writer::write(double value) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  write_number(std::string(digits, end));
}

void Writer::write(const std::string& value) { write_name(value); }

void Writer::write_name(std::string_view name) {
  if (yajl_gen_string(gen_, reinterpret_cast<const unsigned char*>(name.data()), name.size()) != yajl_gen_status_ok)
    fail("write JSON: \"" + text::escaped(name) + "\" cannot be written");
}

void Writer::write_number(const std::string& digits) { yajl_gen_number(gen_, digits.data(), digits.size()); }
void Writer::write_null() { yajl_gen_null(gen_); }
void Writer::open_array() { yajl_gen_array_open(gen_); }
void Writer::close_array() { yajl_gen_array_close(gen_); }
void Writer::open_object() { yajl_gen_map_open(gen_); }
void Writer::close_object() { yajl_gen_map_close(gen_); }

}  // namespace agentsafe::json
