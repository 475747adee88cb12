#include "runtime/base/wire.h"

#include <gtest/gtest.h>

namespace agentsafe {
namespace {

enum class Colour : std::uint8_t { red, green };
struct Inner {
  std::int64_t number = 0;
  std::string text;
  bool operator==(const Inner&) const = default;
};
struct Outer {
  Colour colour = Colour::red;
  std::vector<Inner> inners;
  std::optional<Inner> maybe;
  std::vector<std::pair<std::string, std::string>> pairs;
  bool flag = false;
  bool operator==(const Outer&) const = default;
};

}  // namespace
}  // namespace agentsafe

template <>
inline constexpr auto agentsafe::wire::members<agentsafe::Inner> =
    std::tuple{&agentsafe::Inner::number, &agentsafe::Inner::text};
template <>
inline constexpr auto agentsafe::wire::members<agentsafe::Outer> =
    std::tuple{&agentsafe::Outer::colour, &agentsafe::Outer::inners, &agentsafe::Outer::maybe,
               &agentsafe::Outer::pairs, &agentsafe::Outer::flag};

namespace agentsafe {
namespace {

const Outer sample{Colour::green, {{-1, "a"}, {2, std::string("\0b", 2)}}, Inner{3, ""}, {{"k", "v"}}, true};

TEST(WireTest, ReadsBackWhatItWrote) { EXPECT_EQ(wire::decode<Outer>(wire::encode(sample)), sample); }

TEST(WireTest, RefusesEveryTruncation) {
  const std::string bytes = wire::encode(sample);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_THROW((void)wire::decode<Outer>(bytes.substr(0, size)), Error) << size;
}

TEST(WireTest, RefusesLeftOverBytes) { EXPECT_THROW((void)wire::decode<Outer>(wire::encode(sample) + "x"), Error); }

TEST(WireTest, TrustsNoLength) {
  std::string bytes;
  wire::write(bytes, std::uint32_t{0xffffffff});
  EXPECT_THROW((void)wire::decode<std::vector<Inner>>(bytes), Error);
}

}  // namespace
}  // namespace agentsafe
