#include "runtime/base/expression.h"

#include <algorithm>
#include <optional>

#include "runtime/base/error.h"
#include "runtime/base/text.h"

namespace agentsafe {
namespace {

using Step = Expression::Step;
using Kind = Step::Kind;
using Steps = std::vector<Step>;
using Bytes = std::bitset<256>;

constexpr std::size_t most_steps = 20'000;
constexpr int most_repetitions = 255;  // RE_DUP_MAX

Steps single(Kind kind, int to = 0, const Bytes& bytes = {}) { return {{kind, to, bytes}}; }

std::size_t index_of(char c) { return static_cast<unsigned char>(c); }
int length(const Steps& steps) { return static_cast<int>(steps.size()); }

Steps joined(Steps first, const Steps& second) {
  if (first.size() + second.size() > most_steps) fail("the expression is too large");
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

Steps either(const Steps& first, const Steps& second) {
  const Steps jumping = joined(first, single(Kind::jump, length(second) + 1));
  return joined(joined(single(Kind::fork, length(jumping) + 1), jumping), second);
}

// `least` times, and up to `most` times; without `most` for ever.
Steps repeated(const Steps& once, int least, std::optional<int> most) {
  Steps all;
  for (int i = 0; i < least; ++i) all = joined(std::move(all), once);
  if (!most) {
    const Steps maybe = joined(single(Kind::fork, length(once) + 2), once);
    return joined(joined(std::move(all), maybe), single(Kind::jump, -length(maybe)));
  }
  for (int i = least; i < *most; ++i) all = joined(joined(std::move(all), single(Kind::fork, length(once) + 1)), once);
  return all;
}

struct Class {
  std::string_view name;
  std::string_view ranges;  // pairs: first and last
};
constexpr Class classes[] = {
    {"alpha", "AZaz"},     {"digit", "09"},
    {"alnum", "09AZaz"},   {"upper", "AZ"},
    {"lower", "az"},       {"xdigit", "09AFaf"},
    {"punct", "!/:@[`{~"}, {"blank", "  \t\t"},
    {"space", "  \t\r"},   {"cntrl", std::string_view("\0\x1f\x7f\x7f", 4)},
    {"print", " ~"},       {"graph", "!~"},
};

void add_range(Bytes& bytes, char first, char last) {
  if (index_of(first) > index_of(last)) fail("invalid range end");
  for (std::size_t i = index_of(first); i <= index_of(last); ++i) bytes.set(i);
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Steps whole() {
    Steps steps = alternatives();
    if (!text_.empty()) fail("unmatched )");
    return joined(std::move(steps), single(Kind::matched));
  }

 private:
  [[nodiscard]] bool next_is(char c) const { return !text_.empty() && text_.front() == c; }
  bool take_if(char c) {
    const bool is = next_is(c);
    if (is) text_.remove_prefix(1);
    return is;
  }
  char take(const char* otherwise) {
    if (text_.empty()) fail(otherwise);
    const char c = text_.front();
    text_.remove_prefix(1);
    return c;
  }

  Steps alternatives() {
    if (++depth_ > 100) fail("the expression is nested too deeply");
    Steps steps = branch();
    while (take_if('|')) steps = either(steps, branch());
    --depth_;
    return steps;
  }
  Steps branch() {
    Steps steps;
    while (!text_.empty() && !next_is('|') && !next_is(')')) steps = joined(std::move(steps), piece());
    return steps;
  }
  Steps piece() {
    Steps steps = atom();
    while (!text_.empty()) {
      if (take_if('*')) {
        steps = repeated(steps, 0, std::nullopt);
      } else if (take_if('+')) {
        steps = repeated(steps, 1, std::nullopt);
      } else if (take_if('?')) {
        steps = repeated(steps, 0, 1);
      } else if (take_if('{')) {
        steps = bounded(steps);
      } else {
        break;
      }
    }
    return steps;
  }
  Steps bounded(const Steps& once) {
    const int least = bound();
    std::optional<int> most = least;
    if (take_if(',')) most = next_is('}') ? std::nullopt : std::optional(bound());
    if (!take_if('}')) fail("unmatched {");
    if (most && *most < least) fail("invalid content of {}");
    return repeated(once, least, most);
  }
  int bound() {
    const auto size = std::min(text_.find_first_not_of("0123456789"), text_.size());
    const auto number = text::parse<int>(text_.substr(0, size));
    if (!number || *number > most_repetitions) fail("invalid content of {}");
    text_.remove_prefix(size);
    return *number;
  }
  Steps atom() {
    const char c = take("");
    Bytes bytes;
    if (c == '(') {
      Steps steps = alternatives();
      if (!take_if(')')) fail("unmatched (");
      return steps;
    }
    if (c == '^') return single(Kind::at_start);
    if (c == '$') return single(Kind::at_end);
    if (std::string_view("*+?{").find(c) != std::string_view::npos) fail("nothing to repeat");
    if (c == '[') return single(Kind::one_of, 0, bracket());
    if (c == '.') return single(Kind::one_of, 0, bytes.set());
    return single(Kind::one_of, 0, bytes.set(index_of(c == '\\' ? take("trailing backslash") : c)));
  }
  Bytes bracket() {
    Bytes bytes;
    const bool negated = take_if('^');
    for (bool is_first = true; is_first || !next_is(']'); is_first = false) {
      const char first = take("unmatched [");
      if (first == '[' && (next_is('.') || next_is('='))) fail("collating elements are not supported");
      if (first == '[' && take_if(':')) {
        add_class(bytes);
      } else if (next_is('-') && text_.size() > 1 && text_[1] != ']') {
        text_.remove_prefix(1);
        add_range(bytes, first, take("unmatched ["));
      } else {
        bytes.set(index_of(first));
      }
    }
    text_.remove_prefix(1);
    return negated ? ~bytes : bytes;
  }
  void add_class(Bytes& bytes) {
    const auto end = text_.find(":]");
    if (end == std::string_view::npos) fail("unmatched [");
    for (const auto& row : classes) {
      if (row.name != text_.substr(0, end)) continue;
      for (std::size_t i = 0; i < row.ranges.size(); i += 2) add_range(bytes, row.ranges[i], row.ranges[i + 1]);
      text_.remove_prefix(end + 2);
      return;
    }
    fail("invalid character class name");
  }

  std::string_view text_;
  int depth_ = 0;
};

// All places of the expression that the text so far may have led to.
class Places {
 public:
  explicit Places(const Steps& steps) : steps_(&steps), seen_(steps.size()) {}

  // The place, and all that are reached from it without a byte.
  void add(std::size_t place, bool at_start, bool at_end) {
    std::vector<std::size_t> waiting{place};
    while (!waiting.empty()) {
      const std::size_t at = waiting.back();
      waiting.pop_back();
      if (seen_[at]) continue;
      seen_[at] = true;
      const Step& step = (*steps_)[at];
      const auto target = at + static_cast<std::size_t>(step.to);
      if (step.kind == Kind::matched) has_matched_ = true;
      if (step.kind == Kind::one_of) consuming_.push_back(at);
      if (step.kind == Kind::jump || step.kind == Kind::fork) waiting.push_back(target);
      const bool goes_on =
          step.kind == Kind::fork || (step.kind == Kind::at_start && at_start) || (step.kind == Kind::at_end && at_end);
      if (goes_on) waiting.push_back(at + 1);
    }
  }
  [[nodiscard]] bool has_matched() const { return has_matched_; }
  [[nodiscard]] const std::vector<std::size_t>& consuming() const { return consuming_; }

 private:
  const Steps* steps_;
  std::vector<bool> seen_;
  std::vector<std::size_t> consuming_;
  bool has_matched_ = false;
};

}  // namespace

Expression::Expression(std::string_view text) : steps_(Parser(text).whole()) {}

bool Expression::found_in(std::string_view text) const {
  Places now(steps_);
  now.add(0, true, text.empty());
  for (std::size_t at = 0; at < text.size() && !now.has_matched(); ++at) {
    const bool at_end = at + 1 == text.size();
    Places next(steps_);
    for (const std::size_t place : now.consuming())
      if (steps_[place].bytes.test(index_of(text[at]))) next.add(place + 1, false, at_end);
    next.add(0, false, at_end);  // it may also begin here
    std::swap(now, next);
  }
  return now.has_matched();
}

}  // namespace agentsafe
