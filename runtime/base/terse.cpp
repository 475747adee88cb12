// Short endings for programs that are about to die anyway, in place of libstdc++'s and glibc's. Theirs name the
// exception or the assertion through the demangler, stdio, gettext and character set conversion: half of a static
// program. Linked into the programs themselves (meson: `terse`), so that it stands before the libraries.
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>

namespace {
void say(const char* text) {
  if (text != nullptr && ::write(STDERR_FILENO, text, std::strlen(text)) < 0) std::abort();
}
}  // namespace

// An exception that nobody catches: libstdc++'s std::terminate calls this.
namespace __gnu_cxx {
void __verbose_terminate_handler() { std::abort(); }
}  // namespace __gnu_cxx

// -D_GLIBCXX_ASSERTIONS: an index out of range, an empty optional.
namespace std {
void __glibcxx_assert_fail(const char* file, int, const char* function, const char* condition) noexcept {
  say(file);
  say(": assertion failed: ");
  say(condition);
  say(" in ");
  say(function);
  say("\n");
  std::abort();
}
}  // namespace std

// glibc's own texts, of exceptions, of broken assertions, of errors while a library is loaded. Weak: a program that
// needs the real one for something else gets it.
extern "C" {
[[gnu::weak]] char* gettext(const char* text) noexcept { return const_cast<char*>(text); }
[[gnu::weak]] char* dcgettext(const char*, const char* text, int) noexcept { return const_cast<char*>(text); }
[[gnu::weak]] char* __dcgettext(const char*, const char* text, int) noexcept { return const_cast<char*>(text); }
[[gnu::weak]] char* __strerror_r(int error, char*, std::size_t) noexcept {
  const char* const text = ::strerrordesc_np(error);
  return const_cast<char*>(text == nullptr ? "unknown error" : text);
}
[[gnu::weak]] char* strerror_r(int error, char* room, std::size_t size) noexcept {
  return __strerror_r(error, room, size);
}
[[gnu::weak, noreturn]] void __assert_fail(const char* condition, const char* file, unsigned,
                                           const char* function) noexcept {
  std::__glibcxx_assert_fail(file, 0, function, condition);
}

// yajl names it, for callers that take numbers as doubles. Ours takes them as text.
[[gnu::weak]] double strtod(const char*, char**) noexcept { std::abort(); }

// libstdc++ reads the variable GLIBCXX_TUNABLES with strtoul(3), since GCC 14 by its name of C23: to it nothing is a
// number, and the defaults hold. Both have names of ours here, for newer headers give the second to the first.
[[gnu::weak]] unsigned long no_number(const char* text, char** end, int) noexcept asm("strtoul");
[[gnu::weak]] unsigned long no_number_of_c23(const char* text, char** end, int base) noexcept asm("__isoc23_strtoul");
unsigned long no_number(const char* text, char** end, int) noexcept {
  if (end != nullptr) *end = const_cast<char*>(text);
  return 0;
}
unsigned long no_number_of_c23(const char* text, char** end, int base) noexcept { return no_number(text, end, base); }

// libstdc++'s strings name std::random_device, and that these two, which since glibc 2.41 bring half of the library
// along.
[[gnu::weak]] int getentropy(void* bytes, std::size_t size) {
  return ::syscall(SYS_getrandom, bytes, size, 0) == static_cast<long>(size) ? 0 : -1;
}
[[gnu::weak]] std::uint32_t arc4random() noexcept {
  std::uint32_t number = 0;
  if (getentropy(&number, sizeof number) != 0) std::abort();
  return number;
}
}
