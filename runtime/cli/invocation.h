// What a command's function gets: what was asked for and where it may answer.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "runtime/cli/arguments.h"
#include "runtime/cli/environment.h"
#include "runtime/container/requests.h"

namespace agentsafe::cli {

// Standard output, or a test's string.
using Print = std::function<void(std::string_view)>;

struct Invocation {
  const Arguments& arguments;
  const Environment& environment;
  container::Runtime& runtime;
  const Print& print;

  // The argument at `index`, counted from 0; "" when there is none.
  [[nodiscard]] std::string argument(std::size_t index) const {
    return index < arguments.positional().size() ? arguments.positional()[index] : "";
  }
  [[nodiscard]] std::string id() const { return argument(0); }
};

}  // namespace agentsafe::cli
