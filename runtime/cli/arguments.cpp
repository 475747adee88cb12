#include "runtime/cli/arguments.h"

#include <algorithm>

#include "runtime/cli/values.h"

namespace agentsafe::cli {
namespace {

namespace po = boost::program_options;

constexpr Option help_option{"help", 'h', "", "print this help"};

const Option* find_option(std::span<const Option> options, std::string_view name) {
  const auto named = [&](const Option& option) {
    return option.name == name || (name.size() == 1 && option.letter == name[0]);
  };
  const auto found = std::find_if(options.begin(), options.end(), named);
  if (found != options.end()) return &*found;
  return named(help_option) ? &help_option : nullptr;
}

std::string refusal(std::string_view name, std::string_view raw, std::string_view why) {
  return "invalid value \"" + std::string(raw) + "\" for --" + std::string(name) + ": " + std::string(why);
}

// Boost's own parser is left out: its styles cannot say Go's, and with the typed values it brings 600 KB along.
class GoStyle {
 public:
  GoStyle(std::vector<std::string> words, std::span<const Option> options, Order order)
      : words_(std::move(words)), options_(options), order_(order) {}

  std::vector<po::option> parse() {
    while (next_ < words_.size()) {
      const std::string& word = words_[next_++];
      if (ended_ || word.size() < 2 || word[0] != '-') {
        add_argument(word);
      } else if (word == "--") {
        ended_ = true;
      } else {
        add_option(word);
      }
    }
    return std::move(found_);
  }

 private:
  void add_argument(const std::string& word) {
    ended_ = ended_ || order_ == Order::options_first;
    found_.emplace_back("", std::vector{word});  // without a key it is an argument
  }

  void add_option(const std::string& word) {
    const std::string body = word.substr(word[1] == '-' ? 2 : 1);
    if (body.empty() || body[0] == '-' || body[0] == '=') throw UsageError("bad flag syntax: " + word);
    const auto equals = body.find('=');
    const std::string name = body.substr(0, equals);
    const Option* known = find_option(options_, name);
    if (known == nullptr) throw UsageError("flag provided but not defined: -" + name);
    const std::string value = equals != std::string::npos ? body.substr(equals + 1) : value_of(*known, name);
    found_.emplace_back(std::string(known->name), std::vector{checked(*known, value)});
    if (known == &help_option) next_ = words_.size();
  }

  // Of an option without "=value": "true" for a switch, the next word for the others.
  std::string value_of(const Option& option, const std::string& name) {
    if (option.is_switch()) return "true";
    if (next_ < words_.size()) return words_[next_++];
    throw UsageError("flag needs an argument: " + std::string(name.size() > 1 ? "--" : "-") + name);
  }

  static std::string checked(const Option& option, const std::string& value) {
    if (option.is_switch()) {
      const auto truth = parse_bool(value);
      if (!truth) Arguments::refuse(option.name, value, "expected true or false");
      return *truth ? "true" : "false";
    }
    if (!option.is_choice()) return value;
    const auto choices = text::split(option.value, '|');
    if (std::find(choices.begin(), choices.end(), value) == choices.end())
      Arguments::refuse(option.name, value, "expected " + std::string(option.value));
    return value;
  }

  std::vector<std::string> words_;
  std::span<const Option> options_;
  Order order_;
  std::size_t next_ = 0;
  bool ended_ = false;
  std::vector<po::option> found_;
};

}  // namespace

Arguments::Arguments(std::vector<po::option> options) {
  for (po::option& one : options) {
    if (one.string_key.empty()) {
      positional_.push_back(std::move(one.value.front()));
    } else {
      options_.push_back(std::move(one));
    }
  }
}

const po::option* Arguments::last(std::string_view name) const {
  const auto found =
      std::find_if(options_.rbegin(), options_.rend(), [&](const auto& one) { return one.string_key == name; });
  return found != options_.rend() ? &*found : nullptr;
}

bool Arguments::on(std::string_view name) const { return text(name) == "true"; }

std::string Arguments::text(std::string_view name, std::string_view otherwise) const {
  const po::option* found = last(name);
  return found != nullptr ? found->value.front() : std::string(otherwise);
}

std::vector<std::string> Arguments::list(std::string_view name) const {
  std::vector<std::string> values;
  for (const po::option& one : options_)
    if (one.string_key == name) values.push_back(one.value.front());
  return values;
}

void Arguments::refuse(std::string_view name, std::string_view raw, std::string_view why) {
  throw UsageError(refusal(name, raw, why));
}

Arguments parse(std::vector<std::string> words, std::span<const Option> options, Order order) {
  po::parsed_options parsed(nullptr);  // the command table describes the options
  parsed.options = GoStyle(std::move(words), options, order).parse();
  return Arguments(std::move(parsed.options));
}

}  // namespace agentsafe::cli
