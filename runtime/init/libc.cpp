// What the image replaces of the C library. glibc's own malloc(3) prints, translates and loads libraries when it ends a
// program, which makes more than half of a static image; this one is for a single-threaded program that lives for
// milliseconds, and touches few pages, for which a container with a small memory limit pays.
#include <sys/mman.h>

#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <limits>

namespace {

// Free lists by powers of two, over pages that are taken in large steps and never given back.
struct alignas(16) Block {  // in front of what is given out
  std::size_t shift;        // its whole size is 1 << shift
  Block* next;              // while free
};

constexpr std::size_t least_shift = 6;
constexpr std::size_t greatest_shift = 40;
constexpr std::size_t step = std::size_t{256} << 10;

constinit Block* free_blocks[greatest_shift + 1] = {};
constinit std::byte* unused = nullptr;
constinit std::size_t unused_size = 0;

Block* take_new(std::size_t shift) {
  const std::size_t size = std::size_t{1} << shift;
  if (unused_size < size) {
    const std::size_t taken = size > step ? size : step;
    void* const pages = ::mmap(nullptr, taken, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) return nullptr;  // errno is ENOMEM
    unused = static_cast<std::byte*>(pages);
    unused_size = taken;
  }
  auto* const block = reinterpret_cast<Block*>(unused);
  unused += size;
  unused_size -= size;
  return block;
}

Block* block_of(void* memory) { return static_cast<Block*>(memory) - 1; }
std::size_t room_in(const Block* block) { return (std::size_t{1} << block->shift) - sizeof(Block); }

void* no_memory() {
  errno = ENOMEM;
  return nullptr;
}

}  // namespace

extern "C" {

void* malloc(std::size_t size) {
  if (size > std::size_t{1} << (greatest_shift - 1)) return no_memory();
  const auto fitting = static_cast<std::size_t>(std::bit_width(size + sizeof(Block) - 1));
  const std::size_t shift = fitting < least_shift ? least_shift : fitting;
  Block* block = free_blocks[shift];
  if (block != nullptr) {
    free_blocks[shift] = block->next;
  } else if ((block = take_new(shift)) == nullptr) {
    return nullptr;
  }
  block->shift = shift;
  return block + 1;
}

void free(void* memory) {
  if (memory == nullptr) return;
  Block* const block = block_of(memory);
  block->next = free_blocks[block->shift];
  free_blocks[block->shift] = block;
}

void* calloc(std::size_t count, std::size_t size) {
  if (size != 0 && count > std::numeric_limits<std::size_t>::max() / size) return no_memory();
  void* const memory = malloc(count * size);
  return memory == nullptr ? nullptr : std::memset(memory, 0, count * size);
}

void* realloc(void* memory, std::size_t size) {
  if (memory == nullptr) return malloc(size);
  const std::size_t room = room_in(block_of(memory));
  if (size <= room) return memory;
  void* const larger = malloc(size);
  if (larger == nullptr) return nullptr;
  std::memcpy(larger, memory, room);
  free(memory);
  return larger;
}

// The tables of <ctype.h>, which depend on the locale. Nothing here may use them: whoever does gets the C library's own
// __ctype_init as well, and the linker refuses two.
void __ctype_init() {}

}  // extern "C"
