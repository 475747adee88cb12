// libFuzzer over everything that reads a config.json. Build and run with clang:
//   CXX=clang++ meson setup build-fuzz -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false
//   ninja -C build-fuzz tests/fuzz/json-fuzz && build-fuzz/tests/fuzz/json-fuzz -max_len=65536 CORPUS
//   tests/unit/oci/samples
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "oci/spec_json.h"
#include "oci/validate.h"
#include "runtime/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace agentsafe;
  try {
    const oci::Spec spec = oci::read_spec({reinterpret_cast<const char*>(data), size});
    (void)oci::describe(oci::validate(spec));
    (void)oci::warnings(spec);
    // what was read can be written, and read again as the same
    const std::string once = oci::to_json(spec);
    if (oci::to_json(oci::read_spec(once)) != once) __builtin_trap();
  } catch (const Error& error) {
    if (error.message().empty()) __builtin_trap();
  }
  return 0;
}
