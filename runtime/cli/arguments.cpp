#include "runtime/cli/arguments.h"

#include <algorithm>
#include <boost/program_options/cmdline.hpp>
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

// Boost asks this for the next option or argument; it takes its words off the front of `words`.
class GoStyle {
 public:
  GoStyle(std::span<const Option> options, Order order) : options_(options), order_(order) {}

  std::vector<po::option> operator()(std::vector<std::string>& words) {
    if (ended_ || words.front().size() < 2 || words.front()[0] != '-') return argument(words);
    const std::string word = take(words);
    if (word == "--") {
      ended_ = true;
      return {};
    }
    return option(word, words);
  }

 private:
  static std::string take(std::vector<std::string>& words) {
    std::string word = std::move(words.front());
    words.erase(words.begin());
    return word;
  }

  std::vector<po::option> argument(std::vector<std::string>& words) {
    ended_ = ended_ || order_ == Order::options_first;
    po::option found;  // without a key it is an argument
    found.value.push_back(take(words));
    found.original_tokens = found.value;
    return {found};
  }

  std::vector<po::option> option(const std::string& word, std::vector<std::string>& words) {
    const std::string body = word.substr(word[1] == '-' ? 2 : 1);
    if (body.empty() || body[0] == '-' || body[0] == '=') throw UsageError("bad flag syntax: " + word);
    const auto equals = body.find('=');
    const std::string name = body.substr(0, equals);
    const Option* known = find_option(options_, name);
    if (known == nullptr) throw UsageError("flag provided but not defined: -" + name);

    po::option found;
    found.string_key = known->name;
    found.original_tokens.push_back(word);
    if (equals != std::string::npos) {
      found.value.push_back(checked(*known, body.substr(equals + 1)));
    } else if (known->is_switch()) {
      found.value.emplace_back("true");
    } else {
      if (words.empty())
        throw UsageError("flag needs an argument: " + std::string(name.size() > 1 ? "--" : "-") + name);
      found.value.push_back(checked(*known, take(words)));
    }
    if (known == &help_option) words.clear();
    return {found};
  }

  static std::string checked(const Option& option, std::string value) {
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

  std::span<const Option> options_;
  Order order_;
  bool ended_ = false;
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
  po::parsed_options parsed =
      po::command_line_parser(words).options(description).extra_style_parser(GoStyle(options, order)).run();
  keep_the_last(parsed.options, options);
  po::variables_map values;
  po::store(parsed, values);
  return {std::move(values), po::collect_unrecognized(parsed.options, po::include_positional)};
}

}  // namespace agentsafe::cli
