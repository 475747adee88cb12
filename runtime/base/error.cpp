#include "runtime/base/error.h"

#include <cctype>
#include <cstring>

namespace agentsafe {

std::string errno_text(int error_number) {
  if (error_number == ENOENT) return "missing (ENOENT)";
  std::string text = ::strerrordesc_np(error_number) != nullptr ? ::strerrordesc_np(error_number)
                                                                : "errno " + std::to_string(error_number);
  if (text.size() > 1 && std::islower(static_cast<unsigned char>(text[1])) != 0)
    text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

void fail(std::string what) { throw Error(std::move(what)); }

void fail_errno(std::string_view what, int error_number) {
  throw Error(std::string(what) + ": " + errno_text(error_number), error_number);
}

void fail_users_file(std::string_view what, int error_number) {
  if (error_number != ENOENT) fail_errno(what, error_number);
  throw Error(std::string(what) + ": no such file or directory", error_number);
}

}  // namespace agentsafe
