#include "runtime/base/error.h"

#include <cstring>

#include "runtime/base/text.h"

namespace agentsafe {

std::string errno_text(int error_number) {
  if (error_number == ENOENT) return "missing (ENOENT)";
  std::string text = ::strerrordesc_np(error_number) != nullptr ? ::strerrordesc_np(error_number)
                                                                : "errno " + std::to_string(error_number);
  if (text.size() > 1 && text[1] >= 'a' && text[1] <= 'z') text[0] = text::lower(text[0]);  // "RPC …" stays
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
