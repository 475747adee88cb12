// state.json: Record as text and back.
#pragma once
#include <string>
#include <string_view>

#include "runtime/container/store.h"

namespace agentsafe::container {

[[nodiscard]] std::string to_json(const Record& record);
// Throws on anything that is not a record of a version we know.
[[nodiscard]] Record read_record(std::string_view text);

}  // namespace agentsafe::container
