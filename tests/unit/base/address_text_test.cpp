#include "runtime/base/address_text.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <array>
#include <random>

namespace agentsafe::text {
namespace {

using Address = std::array<std::uint8_t, 16>;

std::string of_the_c_library(const Address& address, int family) {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  return ::inet_ntop(family, address.data(), buffer.data(), buffer.size());
}

TEST(AddressTextTest, SpellsAddressesAsTheCLibraryDoes) {
  std::mt19937 random(1);
  for (int i = 0; i < 50'000; ++i) {
    Address address{};
    for (std::size_t group = 0; group < 16; group += 2) {
      if (random() % 2 == 0) continue;  // runs of zeros of every length
      address[group] = static_cast<std::uint8_t>(random() % 3 == 0 ? random() : 0);
      address[group + 1] = static_cast<std::uint8_t>(random());
    }
    if (random() % 8 == 0) address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 1, address[1], 0, address[3]};
    ASSERT_EQ(v6_text(address), of_the_c_library(address, AF_INET6));
    ASSERT_EQ(v4_text(std::span(address).first<4>()), of_the_c_library(address, AF_INET));
  }
}

TEST(AddressTextTest, SpellsTheAddressesThatHaveNoGroups) {
  EXPECT_EQ(v6_text(Address{}), "::");
  EXPECT_EQ(v6_text(Address{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}), "::1");
}

}  // namespace
}  // namespace agentsafe::text
