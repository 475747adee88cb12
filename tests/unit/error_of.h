// What a call throws, as text: EXPECT_EQ(error_of([&] { parse("{"); }), "line 1, …").
#pragma once
#include <string>

#include "runtime/base/error.h"

namespace agentsafe {

template <class Body>
[[nodiscard]] std::string error_of(Body body) {
  try {
    body();
  } catch (const Error& error) {
    return error.message();
  }
  return "no error";
}

}  // namespace agentsafe
