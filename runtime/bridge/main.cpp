// agentsafe-bridge: calls functions of a shared library for the runtime, which is static and can load none. Started by
// the runtime only, as `agentsafe-bridge SOCKET`, from a sealed memfd (library.h). It decides nothing and knows no
// library: it is dlopen, dlsym and a call through a pointer. Linked with the C library alone, so without exceptions and
// std::string.
#include <dlfcn.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "runtime/bridge/wire_format.h"

namespace {

using namespace agentsafe::bridge;
using Word = std::uint64_t;

int socket_fd = -1;
void* library = nullptr;
Word cells[cell_count] = {};

// The runtime has gone, or speaks another language: nobody is left to tell.
[[noreturn]] void quit(int status) { ::_exit(status); }

void receive(void* into, std::size_t size) {
  auto* at = static_cast<char*>(into);
  while (size > 0) {
    const ssize_t n = ::read(socket_fd, at, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) quit(n < 0 ? 1 : 0);
    at += n;
    size -= static_cast<std::size_t>(n);
  }
}

void transmit(const void* from, std::size_t size) {
  const auto* at = static_cast<const char*>(from);
  while (size > 0) {
    const ssize_t n = ::write(socket_fd, at, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) quit(1);
    at += n;
    size -= static_cast<std::size_t>(n);
  }
}

// A frame that came.
class Reader {
 public:
  Reader() {
    std::uint32_t size = 0;
    receive(&size, sizeof size);
    receive(&kind_, sizeof kind_);
    if (size > largest_frame || (bytes_ = static_cast<char*>(std::malloc(size + 1))) == nullptr) quit(1);
    receive(bytes_, size);
    left_ = size;
    at_ = bytes_;
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() { std::free(bytes_); }

  [[nodiscard]] Frame kind() const { return kind_; }
  [[nodiscard]] bool empty() const { return left_ == 0; }
  template <class T>
  T take() {
    T value{};
    std::memcpy(&value, take_bytes(sizeof value), sizeof value);
    return value;
  }
  const char* take_text() {
    const auto size = take<std::uint32_t>();
    const char* const text = take_bytes(static_cast<std::size_t>(size) + 1);
    if (text[size] != '\0') quit(1);
    return text;
  }
  Word& take_cell() {
    const auto index = take<std::uint16_t>();
    if (index >= cell_count) quit(1);
    return cells[index];
  }

 private:
  const char* take_bytes(std::size_t size) {
    if (size > left_) quit(1);
    const char* const taken = at_;
    at_ += size;
    left_ -= size;
    return taken;
  }

  Frame kind_{};
  char* bytes_ = nullptr;
  const char* at_ = nullptr;
  std::size_t left_ = 0;
};

// A frame to be sent.
class Writer {
 public:
  Writer() = default;
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() { std::free(bytes_); }

  template <class T>
  void put(T value) {
    append(&value, sizeof value);
  }
  void put_text(const char* text) {
    const auto size = static_cast<std::uint32_t>(std::strlen(text));
    put(size);
    append(text, size + std::size_t{1});
  }
  void put_rest(const Writer& rest) { append(rest.bytes_, rest.size_); }
  void send(Frame kind) const {
    const auto size = static_cast<std::uint32_t>(size_);
    transmit(&size, sizeof size);
    transmit(&kind, sizeof kind);
    transmit(bytes_, size_);
  }

 private:
  void append(const void* from, std::size_t size) {
    if (size == 0) return;
    if (size_ + size > room_) {
      room_ = (size_ + size) * 2;
      bytes_ = static_cast<char*>(std::realloc(bytes_, room_));
      if (bytes_ == nullptr) quit(1);
    }
    std::memcpy(bytes_ + size_, from, size);
    size_ += size;
  }

  char* bytes_ = nullptr;
  std::size_t size_ = 0;
  std::size_t room_ = 0;
};

void run(Reader& request);

// What a library calls back: asks the runtime, which may call functions of the library meanwhile.
extern "C" int call_back(const char* argument) {
  Writer question;
  question.put_text(argument == nullptr ? "" : argument);
  question.send(Frame::called);
  for (;;) {
    Reader request;
    if (request.kind() == Frame::give) return static_cast<int>(request.take<std::int64_t>());
    if (request.kind() != Frame::run) quit(1);
    run(request);
  }
}

Word take_argument(Reader& request) {
  switch (request.take<Argument>()) {
    case Argument::number: return request.take<Word>();
    case Argument::text: return reinterpret_cast<Word>(request.take_text());
    case Argument::cell: return request.take_cell();
    case Argument::cell_address: return reinterpret_cast<Word>(&request.take_cell());
    case Argument::callback: return reinterpret_cast<Word>(&call_back);
  }
  quit(1);
}

struct Outcome {
  Stop stop = Stop::none;
  const char* text = "";
};

Outcome call(Reader& request, Writer& results) {
  const auto check = request.take<Check>();
  const auto into = request.take<std::uint16_t>();
  const char* const name = request.take_text();
  const auto count = request.take<std::uint8_t>();
  if (count > most_arguments || (into >= cell_count && into != no_cell)) quit(1);
  Word a[most_arguments] = {};
  for (unsigned i = 0; i < count; ++i) a[i] = take_argument(request);
  // Variadic functions find their arguments in the same registers (System V and AArch64 calling conventions of Linux).
  const auto function = reinterpret_cast<Word (*)(Word, ...)>(::dlsym(library, name));
  if (function == nullptr) return {Stop::missing_symbol, name};
  const Word result = function(a[0], a[1], a[2], a[3], a[4], a[5]);
  if (into != no_cell) cells[into] = result;
  results.put(result);
  // int results leave the upper half undefined
  return {check == Check::negative && static_cast<std::int32_t>(result) < 0 ? Stop::negative : Stop::none, name};
}

Outcome take_step(Reader& request, Writer& results) {
  switch (request.take<Step>()) {
    case Step::call: return call(request, results);
    case Step::word: results.put(request.take_cell()); return {};
    case Step::string: {
      const auto* const text = reinterpret_cast<const char*>(request.take_cell());
      results.put_text(text == nullptr ? "" : text);
      return {};
    }
  }
  quit(1);
}

void run(Reader& request) {
  Writer results;
  Outcome outcome;
  while (!request.empty() && outcome.stop == Stop::none) outcome = take_step(request, results);
  Writer answer;
  answer.put(outcome.stop);
  answer.put_text(outcome.text);
  answer.put_rest(results);
  answer.send(Frame::done);
}

void open(Reader& request) {
  library = ::dlopen(request.take_text(), RTLD_NOW | RTLD_LOCAL);
  Writer answer;
  const char* const reason = library == nullptr ? ::dlerror() : "";
  answer.put_text(reason == nullptr ? "dlopen failed" : reason);
  answer.send(library == nullptr ? Frame::failed : Frame::opened);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  socket_fd = std::atoi(argv[1]);
  for (;;) {
    Reader request;
    if (request.kind() == Frame::open && library == nullptr) {
      open(request);
    } else if (request.kind() == Frame::run && library != nullptr) {
      run(request);
    } else {
      quit(1);
    }
  }
}
