// What our programs replace of the C library. glibc's own malloc(3) prints, translates and loads libraries when it ends
// a program, which makes more than half of a small static one; this one is for a single-threaded program that lives for
// milliseconds, and touches few pages, for which a container with a small memory limit pays. Linked into the programs
// themselves (meson: `terse`).
#include <sys/mman.h>

#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

namespace {

// Free lists by powers of two, over pages that are taken in large steps and never given back; what is larger than a
// step has pages of its own.
struct alignas(16) Block {  // in front of what is given out
  std::size_t size;         // with itself
  Block* next;              // while free; a mark while in use
};

constexpr std::size_t least_shift = 6;
constexpr std::size_t greatest_shift = 17;
constexpr std::size_t greatest_size = std::size_t{1} << greatest_shift;
constexpr std::size_t step = std::size_t{256} << 10;
constexpr std::size_t limit = std::size_t{1} << 40;

constinit Block* free_blocks[greatest_shift + 1] = {};
constinit std::byte* unused = nullptr;
constinit std::size_t unused_size = 0;
constinit bool mapped = false;  // the first pages of this step

void* new_pages(std::size_t size) {  // nullptr: errno is ENOMEM
  void* const pages = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return pages == MAP_FAILED ? nullptr : pages;
}

// No block that was freed, or never given out, has it.
Block* mark_of(const Block* block) {
  return reinterpret_cast<Block*>(reinterpret_cast<std::uintptr_t>(block) ^ 0x5af3'107a'4000'5a5aU);
}

void* give_out(Block* block, std::size_t size) {
  if (block == nullptr) return nullptr;
  block->size = size;
  block->next = mark_of(block);
  return block + 1;
}

Block* block_in_use(void* memory) {
  Block* const block = static_cast<Block*>(memory) - 1;
  if (block->next != mark_of(block)) std::abort();  // freed twice, or overwritten
  return block;
}

// Small blocks come one after the other: the pages of the first are mapped at once (Linux 5.14) instead of by a fault each.
// Only with the first small block of a step: later the init is under a seccomp filter, to which another call may be fatal.
void map_at_once(std::size_t size) {
  constexpr std::size_t page = 4096, some = 8 * page;
  if (mapped || size > page || unused_size < some) return;
  auto* const first = reinterpret_cast<std::byte*>(reinterpret_cast<std::uintptr_t>(unused) / page * page);
  const int error = errno;
  (void)::madvise(first, some, MADV_POPULATE_WRITE);
  errno = error;
  mapped = true;
}

Block* take_new(std::size_t size) {
  if (unused_size < size) {
    void* const pages = new_pages(step);
    if (pages == nullptr) return nullptr;
    unused = static_cast<std::byte*>(pages);
    unused_size = step;
    mapped = false;
  }
  map_at_once(size);
  auto* const block = reinterpret_cast<Block*>(unused);
  unused += size;
  unused_size -= size;
  return block;
}

std::size_t shift_of(std::size_t size) {
  const auto fitting = static_cast<std::size_t>(std::bit_width(size - 1));
  return fitting < least_shift ? least_shift : fitting;
}

void* no_memory() {
  errno = ENOMEM;
  return nullptr;
}

}  // namespace

extern "C" {

void* malloc(std::size_t wanted) {
  if (wanted > limit) return no_memory();
  const std::size_t size = wanted + sizeof(Block);
  if (size > greatest_size) {
    constexpr std::size_t page = 4096;
    const std::size_t pages = (size + page - 1) / page * page;
    return give_out(static_cast<Block*>(new_pages(pages)), pages);
  }
  const std::size_t shift = shift_of(size);
  Block* const block = free_blocks[shift];
  if (block == nullptr) return give_out(take_new(std::size_t{1} << shift), std::size_t{1} << shift);
  free_blocks[shift] = block->next;
  return give_out(block, block->size);
}

void free(void* memory) {
  if (memory == nullptr) return;
  Block* const block = block_in_use(memory);
  if (block->size > greatest_size) {
    const int error = errno;
    ::munmap(block, block->size);
    errno = error;  // free(3) keeps it
    return;
  }
  const std::size_t shift = shift_of(block->size);
  block->next = free_blocks[shift];
  free_blocks[shift] = block;
}

void* calloc(std::size_t count, std::size_t size) {
  if (size != 0 && count > std::numeric_limits<std::size_t>::max() / size) return no_memory();
  void* const memory = malloc(count * size);
  return memory == nullptr ? nullptr : std::memset(memory, 0, count * size);
}

void* realloc(void* memory, std::size_t size) {
  if (memory == nullptr) return malloc(size);
  const std::size_t room = block_in_use(memory)->size - sizeof(Block);
  if (size <= room) return memory;
  void* const larger = malloc(size);
  if (larger == nullptr) return nullptr;
  std::memcpy(larger, memory, room);
  free(memory);
  return larger;
}

}  // extern "C"
