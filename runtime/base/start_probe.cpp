// Asked by meson before start.cpp is taken: does a program that starts with it have its variables, its constructors and
// its exceptions? Includes what such programs are linked with, for meson compiles one file.
#include "runtime/base/heap.cpp"
#include "runtime/base/start.cpp"
#include "runtime/base/terse.cpp"

#include <cerrno>
#include <stdexcept>
#include <string>

namespace {
struct Constructed {
  Constructed() : value(std::getenv("PATH") == nullptr ? 1 : 7) {}
  int value;
} constructed;
thread_local int of_the_thread = 5;

[[gnu::noinline]] void refuse(int number) {
  if (number != 0) throw std::runtime_error("number " + std::to_string(number));
}

bool catches(int number) {
  try {
    refuse(number);
  } catch (const std::runtime_error& error) {
    return std::string(error.what()) == "number " + std::to_string(number);
  }
  return false;
}
}  // namespace

int main(int argc, char**) {
  errno = of_the_thread;
  const std::string large(std::size_t{3} << 20, static_cast<char>('a' + argc));
  const std::string copy = large;
  return constructed.value == 7 && errno == 5 && catches(argc) && copy == large ? 0 : 1;
}
