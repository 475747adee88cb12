// Short endings for programs that are about to die anyway, in place of libstdc++'s and glibc's. Theirs name the
// exception or the assertion through the demangler, stdio, gettext and character set conversion: half of a static
// program. Linked into the programs themselves (meson: `terse`), so that it stands before the libraries.
#include <unistd.h>

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
[[gnu::weak, noreturn]] void __assert_fail(const char* condition, const char* file, unsigned,
                                           const char* function) noexcept {
  std::__glibcxx_assert_fail(file, 0, function, condition);
}

// Character set conversion: fclose and the wide half of printf name it, and it brings the loader of shared libraries
// and locale files along (90 KB). Our programs never leave the C locale, where nothing is converted: a conversion is
// an error here (6: __GCONV_ILLEGAL_INPUT), one byte is one character (regcomp asks for that).
[[gnu::weak]] long __gconv_lock[8];
[[gnu::weak]] long __libc_setlocale_lock[8];
[[gnu::weak]] void __gconv_release_step(void*) {}
[[gnu::weak]] int __gconv_find_transform(const char*, const char*, void**, std::size_t*, int) { return 1; }
[[gnu::weak]] int __gconv_close_transform(void*, std::size_t) { return 0; }
[[gnu::weak]] int __gconv_transform_ascii_internal(void*, void*, const unsigned char**, const unsigned char*,
                                                   unsigned char**, std::size_t*, int, int) {
  return 6;
}
[[gnu::weak]] int __gconv_transform_internal_ascii(void*, void*, const unsigned char**, const unsigned char*,
                                                   unsigned char**, std::size_t*, int, int) {
  return 6;
}
[[gnu::weak]] unsigned __gconv_btwoc_ascii(void*, unsigned char byte) { return byte < 0x80 ? byte : ~0U; }
}
