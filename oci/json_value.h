// JSON text as a tree. Parsing is yajl's; numbers stay text until a field says what they are (yajl's own integers end
// at INT64_MAX), and strings point into the text wherever it holds no escapes.
//
//   const json::Document document = json::parse(text);   // text must outlive it
//   if (const json::Value* args = document.root().find("args"))
//     for (const json::Value& arg : *args) use(arg.text);
#pragma once
#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace agentsafe::json {

// A number as it is written, for those that are no integers.
struct Decimal {
  std::string digits = "0";
  bool operator==(const Decimal&) const = default;
};

// Values lie in one array, each before those that it holds: a value is only ever used in its document.
struct Value {
  enum class Kind { null, boolean, number, string, array, object };
  class Iterator {
   public:
    explicit Iterator(const Value* at) : at_(at) {}
    const Value& operator*() const { return *at_; }
    Iterator& operator++() {
      at_ += at_->extent;
      return *this;
    }
    bool operator==(const Iterator&) const = default;

   private:
    const Value* at_;
  };

  Kind kind = Kind::null;
  bool boolean = false;
  std::size_t extent = 1;  // how many values of the array belong to this one, itself included
  std::size_t count = 0;   // of the items of an array, or the members of an object
  std::string_view name;   // of a member of an object
  std::string_view text;   // of a string, or of a number as written

  // The items or members.
  [[nodiscard]] Iterator begin() const { return Iterator(this + 1); }
  [[nodiscard]] Iterator end() const { return Iterator(this + extent); }
  // The member of an object, nullptr when there is none.
  [[nodiscard]] const Value* find(std::string_view member) const;
};

class Document {
 public:
  [[nodiscard]] const Value& root() const { return values_.front(); }

 private:
  friend class Builder;
  std::vector<Value> values_;
  std::deque<std::string> unescaped_;  // strings that do not stand in the text as they are; never moved
};

// Throws Error("line 3, column 7: …") for anything but one JSON value. Refuses also what JSON leaves open: more than
// 16 MiB, more than 2^20 values, nesting beyond 64, names that stand twice in an object, NUL characters in strings,
// invalid UTF-8 and escapes of half a surrogate pair.
[[nodiscard]] Document parse(std::string_view text);

}  // namespace agentsafe::json
