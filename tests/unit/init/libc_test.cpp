// The image's own memory functions, under other names: the test program keeps those of its C library.
#define malloc image_malloc
#define free image_free
#define calloc image_calloc
#define realloc image_realloc
#define __ctype_init image_ctype_init
#include "runtime/init/libc.cpp"
#undef malloc
#undef free
#undef calloc
#undef realloc

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace {

TEST(ImageMemory, IsAlignedAndApart) {
  std::vector<std::pair<unsigned char*, std::size_t>> taken;
  for (std::size_t size = 0; size < 5000; size += 37) {
    auto* const memory = static_cast<unsigned char*>(image_malloc(size));
    ASSERT_NE(memory, nullptr);
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(memory) % 16, 0U);
    std::memset(memory, static_cast<int>(size & 0xff), size);
    taken.emplace_back(memory, size);
  }
  for (const auto& [memory, size] : taken)
    for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(memory[i], size & 0xff) << size;
  for (const auto& [memory, size] : taken) image_free(memory);
}

TEST(ImageMemory, GivesOutAgainWhatWasFreed) {
  void* const first = image_malloc(100);
  image_free(first);
  EXPECT_EQ(image_malloc(90), first);  // of the same power of two
  image_free(first);
  image_free(nullptr);
}

TEST(ImageMemory, GrowsWithItsContents) {
  char* text = static_cast<char*>(image_realloc(nullptr, 6));
  std::memcpy(text, "hello", 6);
  EXPECT_EQ(image_realloc(text, 40), text);  // there is room in the block
  for (const std::size_t size : {1000U, 300'000U, 1'000'000U}) {
    text = static_cast<char*>(image_realloc(text, size));
    ASSERT_NE(text, nullptr);
    EXPECT_STREQ(text, "hello");
    text[size - 1] = 'x';
  }
  image_free(text);
}

TEST(ImageMemory, ClearsWhatWasUsedBefore) {
  void* const used = image_malloc(64);
  std::memset(used, 0xff, 64);
  image_free(used);
  auto* const cleared = static_cast<unsigned char*>(image_calloc(8, 8));
  EXPECT_EQ(cleared, used);
  for (int i = 0; i < 64; ++i) EXPECT_EQ(cleared[i], 0);
  image_free(cleared);
}

TEST(ImageMemory, RefusesWhatNoMachineHas) {
  for (const std::size_t size : {SIZE_MAX, SIZE_MAX - 8, SIZE_MAX / 2, std::size_t{1} << 60}) {
    errno = 0;
    EXPECT_EQ(image_malloc(size), nullptr);
    EXPECT_EQ(errno, ENOMEM);
  }
  errno = 0;
  EXPECT_EQ(image_calloc(SIZE_MAX / 2, 3), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  void* const kept = image_malloc(10);
  EXPECT_EQ(image_realloc(kept, SIZE_MAX), nullptr);
  image_free(kept);
}

}  // namespace
