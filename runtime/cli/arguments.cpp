#include "runtime/cli/arguments.h"

#include <algorithm>
#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>

#include "runtime/cli/values.h"

namespace agentsafe::cli {
namespace {

namespace po = boost::program_options;

constexpr Option help_option{"help", 'h', "", "print this help"};

po::options_description describe(std::span<const Option> options) {
  po::options_description description;
  auto add = description.add_options();
  for (const Option& option : options) {
    const std::string name(option.name);
    if (option.is_switch()) {
      add(name.c_str(), po::value<bool>());
    } else if (option.repeats) {
      add(name.c_str(), po::value<std::vector<std::string>>());
    } else {
      add(name.c_str(), po::value<std::string>());
    }
  }
  add("help", po::value<bool>());
  return description;
}

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

// Boost's own parser is left out: its styles cannot say Go's, and it brings 70 KB along.
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

// Boost refuses a second --debug or --root; callers that wrap us add their own before ours, and the last counts.
void keep_the_last(std::vector<po::option>& given, std::span<const Option> options) {
  const auto overridden = [&](const po::option& earlier) {
    if (earlier.string_key.empty()) return false;
    const Option* known = find_option(options, earlier.string_key);
    const auto after = given.begin() + (&earlier - given.data()) + 1;
    return !known->repeats && std::any_of(after, given.end(), [&](const po::option& later) {
      return later.string_key == earlier.string_key;
    });
  };
  std::vector<po::option> kept;
  std::copy_if(given.begin(), given.end(), std::back_inserter(kept), [&](const auto& one) { return !overridden(one); });
  given = std::move(kept);
}

}  // namespace

bool Arguments::on(std::string_view name) const { return given(name) && values_[std::string(name)].as<bool>(); }

std::string Arguments::text(std::string_view name, std::string_view otherwise) const {
  return given(name) ? values_[std::string(name)].as<std::string>() : std::string(otherwise);
}

std::vector<std::string> Arguments::list(std::string_view name) const {
  if (!given(name)) return {};
  return values_[std::string(name)].as<std::vector<std::string>>();
}

void Arguments::refuse(std::string_view name, std::string_view raw, std::string_view why) {
  throw UsageError(refusal(name, raw, why));
}

Arguments parse(std::vector<std::string> words, std::span<const Option> options, Order order) {
  const po::options_description description = describe(options);
  po::parsed_options parsed(&description);
  parsed.options = GoStyle(std::move(words), options, order).parse();
  keep_the_last(parsed.options, options);
  po::variables_map values;
  po::store(parsed, values);
  std::vector<std::string> positional;
  for (po::option& one : parsed.options)
    if (one.string_key.empty()) positional.push_back(std::move(one.value.front()));
  return {std::move(values), std::move(positional)};
}

}  // namespace agentsafe::cli
