#include "runtime/base/address_text.h"

#include <array>

namespace agentsafe::text {
namespace {

constexpr std::size_t groups = 8;
using Groups = std::array<unsigned, groups>;

struct Run {  // of zeros
  std::size_t begin = groups;
  std::size_t size = 0;
  [[nodiscard]] std::size_t end() const { return begin + size; }
};

// The first of the longest; one zero alone is none (RFC 5952, 4.2.2).
Run longest_zeros(const Groups& address) {
  Run longest;
  for (std::size_t i = 0; i < groups; ++i) {
    Run run{i, 0};
    while (run.end() < groups && address[run.end()] == 0) ++run.size;
    if (run.size >= 2 && run.size > longest.size) longest = run;
  }
  return longest;
}

std::string hexadecimal(unsigned number) {
  constexpr const char* digits = "0123456789abcdef";
  std::string text;
  for (int shift = 12; shift >= 0; shift -= 4)
    if (!text.empty() || shift == 0 || number >> shift != 0) text += digits[(number >> shift) & 0xf];
  return text;
}

}  // namespace

std::string v4_text(std::span<const std::uint8_t, 4> address) {
  std::string text = std::to_string(address[0]);
  for (const auto byte : address.subspan<1>()) text.append(1, '.').append(std::to_string(byte));
  return text;
}

std::string v6_text(std::span<const std::uint8_t, 16> address) {
  Groups group{};
  for (std::size_t i = 0; i < groups; ++i) group[i] = static_cast<unsigned>(address[2 * i] << 8 | address[2 * i + 1]);
  const Run zeros = longest_zeros(group);
  const bool holds_v4 = zeros.begin == 0 && (zeros.size == 6 || (zeros.size == 5 && group[5] == 0xffff));
  std::string text;
  for (std::size_t i = 0; i < groups; ++i) {
    if (i >= zeros.begin && i < zeros.end()) {
      if (i == zeros.begin) text += ':';
      continue;
    }
    if (i > 0) text += ':';
    if (holds_v4 && i == 6) return text + v4_text(address.subspan<12>());
    text += hexadecimal(group[i]);
  }
  return zeros.size > 0 && zeros.end() == groups ? text + ':' : text;
}

}  // namespace agentsafe::text
