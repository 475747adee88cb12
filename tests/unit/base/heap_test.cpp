// Our programs' own memory functions, under other names: the test program keeps those of its C library.
#include <cstdlib>

#define malloc our_malloc
#define free our_free
#define calloc our_calloc
#define realloc our_realloc
#include "runtime/base/heap.cpp"
#undef malloc
#undef free
#undef calloc
#undef realloc

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace {

TEST(Heap, IsAlignedAndApart) {
  std::vector<std::pair<unsigned char*, std::size_t>> taken;
  for (std::size_t size = 0; size < 5000; size += 37) {
    auto* const memory = static_cast<unsigned char*>(our_malloc(size));
    ASSERT_NE(memory, nullptr);
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(memory) % 16, 0U);
    std::memset(memory, static_cast<int>(size & 0xff), size);
    taken.emplace_back(memory, size);
  }
  for (const auto& [memory, size] : taken)
    for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(memory[i], size & 0xff) << size;
  for (const auto& [memory, size] : taken) our_free(memory);
}

TEST(Heap, GivesOutAgainWhatWasFreed) {
  void* const first = our_malloc(100);
  our_free(first);
  EXPECT_EQ(our_malloc(90), first);  // of the same power of two
  our_free(first);
  our_free(nullptr);
}

TEST(Heap, GrowsWithItsContents) {
  char* text = static_cast<char*>(our_realloc(nullptr, 6));
  std::memcpy(text, "hello", 6);
  EXPECT_EQ(our_realloc(text, 40), text);  // there is room in the block
  for (const std::size_t size : {1000U, 300'000U, 1'000'000U}) {
    text = static_cast<char*>(our_realloc(text, size));
    ASSERT_NE(text, nullptr);
    EXPECT_STREQ(text, "hello");
    text[size - 1] = 'x';
  }
  our_free(text);
}

TEST(Heap, ClearsWhatWasUsedBefore) {
  void* const used = our_malloc(64);
  std::memset(used, 0xff, 64);
  our_free(used);
  auto* const cleared = static_cast<unsigned char*>(our_calloc(8, 8));
  EXPECT_EQ(cleared, used);
  for (int i = 0; i < 64; ++i) EXPECT_EQ(cleared[i], 0);
  our_free(cleared);
}

TEST(Heap, RefusesWhatNoMachineHas) {
  for (const std::size_t size : {SIZE_MAX, SIZE_MAX - 8, SIZE_MAX / 2, std::size_t{1} << 60}) {
    errno = 0;
    EXPECT_EQ(our_malloc(size), nullptr);
    EXPECT_EQ(errno, ENOMEM);
  }
  errno = 0;
  EXPECT_EQ(our_calloc(SIZE_MAX / 2, 3), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  void* const kept = our_malloc(10);
  EXPECT_EQ(our_realloc(kept, SIZE_MAX), nullptr);
  our_free(kept);
}

TEST(Heap, GivesLargeBlocksPagesOfTheirOwnAndTakesThemBack) {
  char* const large = static_cast<char*>(our_malloc(1'000'000));
  large[0] = large[999'999] = 'x';
  EXPECT_EQ(our_realloc(large, 1'000'100), large);  // pages are whole
  our_free(large);
}

TEST(HeapDeathTest, EndsTheProgramWhenABlockIsFreedTwiceOrOverwritten) {
  void* const once = our_malloc(100);
  our_free(once);
  EXPECT_DEATH(our_free(once), "");
  char* const first = static_cast<char*>(our_malloc(48));
  EXPECT_DEATH((std::memset(first - 8, 'x', 8), our_free(first)), "");
  our_free(first);
}

}  // namespace
