// state.json: Record as text and back. Its first member is a checksum of the others: {"checksum":"00ab…","version":2,…
#pragma once
#include <string>
#include <string_view>

#include "runtime/container/store.h"

namespace agentsafe::container {

[[nodiscard]] std::string to_json(const Record& record);
// Throws on anything that is not, byte for byte, what to_json() of this version has written.
[[nodiscard]] Record read_record(std::string_view text);

}  // namespace agentsafe::container
