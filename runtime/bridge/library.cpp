#include "runtime/bridge/library.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <csignal>
#include <exception>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/base/wire.h"
#include "runtime/bridge/image.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/signal.h"

namespace agentsafe::bridge {
namespace {

constexpr int exec_failed = 127;

void write_text(std::string& out, std::string_view text) {
  wire::write(out, static_cast<std::uint32_t>(text.size()));
  out += text;
  out += '\0';
}

std::string take_text(std::string_view& in) {
  std::string text;
  wire::read(in, text);
  wire::take(in, 1);
  return text;
}

// dlerror(3) has the C library's words for ENOENT, which engines take for a missing command of the user's.
std::string our_words(std::string text) {
  const std::string_view theirs = "No such file or directory";
  if (const auto at = text.find(theirs); at != std::string::npos) text.replace(at, theirs.size(), errno_text(ENOENT));
  return text::escaped(text);
}

}  // namespace

Value::Value(Argument kind, std::uint64_t number) {
  wire::write(bytes_, kind);
  wire::write(bytes_, number);
}

Value::Value(Cell cell, Argument kind) {
  wire::write(bytes_, kind);
  wire::write(bytes_, cell.index);
}

Value::Value(std::string_view text) {
  wire::write(bytes_, Argument::text);
  write_text(bytes_, text);
}

Value::Value(Argument kind) { wire::write(bytes_, kind); }

Steps& Steps::add_call(std::string_view function, const std::vector<Value>& arguments, Check check, Cell into) {
  if (arguments.size() > most_arguments) fail(std::string(function) + ": too many arguments for the bridge");
  kinds_.push_back(Step::call);
  wire::write(bytes_, Step::call);
  wire::write(bytes_, check);
  wire::write(bytes_, into.index);
  write_text(bytes_, function);
  wire::write(bytes_, static_cast<std::uint8_t>(arguments.size()));
  for (const auto& argument : arguments) bytes_ += argument.bytes();
  return *this;
}

Steps& Steps::call(std::string_view function, const std::vector<Value>& arguments) {
  return add_call(function, arguments, Check::negative, {no_cell});
}

Steps& Steps::call_any(std::string_view function, const std::vector<Value>& arguments, Cell into) {
  return add_call(function, arguments, Check::none, into);
}

Steps& Steps::word(Cell cell) {
  kinds_.push_back(Step::word);
  wire::write(bytes_, Step::word);
  wire::write(bytes_, cell.index);
  return *this;
}

Steps& Steps::string(Cell cell) {
  kinds_.push_back(Step::string);
  wire::write(bytes_, Step::string);
  wire::write(bytes_, cell.index);
  return *this;
}

Library::Library(Setting setting) : setting_(std::move(setting)) {
  spawn();
  open();
}

Library::~Library() {
  socket_.reset();  // its end of file
  try {
    constexpr std::chrono::seconds patience{2};
    if (!bridge_.pidfd || sys::wait_for(bridge_.pidfd, patience)) return;
    sys::pidfd_send_signal(bridge_.pidfd, SIGKILL);
    sys::wait(bridge_.pidfd);
  } catch (const Error&) {  // ECHILD: somebody else has reaped it
  }
}

void Library::spawn() {
  const UniqueFd image = sys::sealed_program("agentsafe-bridge", bridge_image());
  sys::SocketPair ends = sys::socketpair(SOCK_STREAM);
  bridge_ = sys::clone3({}, [&] {
    sys::reset_signals();
    sys::set_cloexec(ends.theirs, false);
    for (const int fd : setting_.inherit) sys::set_cloexec(FdRef(fd), false);
    const int error = sys::execveat(image, {"agentsafe-bridge", std::to_string(ends.theirs.get())}, setting_.environment);
    return error == ENOENT ? exec_failed : 126;
  });
  socket_ = std::move(ends.ours);
}

void Library::open() {
  const auto unusable = [&](const std::string& why) {
    fail("load " + setting_.soname + ": " + why + "; " + setting_.remedy);
  };
  std::string name;
  write_text(name, setting_.soname);
  try {
    send(Frame::open, name);
    auto answer = receive();
    std::string_view payload = answer.payload;
    if (answer.kind != Frame::opened) unusable(our_words(take_text(payload)));
  } catch (const Error& error) {
    if (error.error_number() == 0) throw;
    unusable(error.message());
  }
}

Cell Library::cell(std::uint16_t count) {
  if (count > cell_count - used_cells_) fail(setting_.soname + ": no cell is left in the bridge");
  const Cell first{used_cells_};
  used_cells_ = static_cast<std::uint16_t>(used_cells_ + count);
  return first;
}

Answer Library::run(const Steps& steps) {
  send(Frame::run, steps.bytes_);
  auto received = receive();
  for (; received.kind == Frame::called; received = receive()) answer_call(received);
  if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
  if (received.kind != Frame::done) fail(setting_.soname + ": the bridge answers what was not asked");

  std::string_view payload = received.payload;
  Stop stop{};
  wire::read(payload, stop);
  const std::string function = take_text(payload);
  Answer answer;
  for (std::size_t i = 0; i < steps.kinds_.size() && !payload.empty(); ++i) {
    if (steps.kinds_[i] == Step::string) {
      answer.texts.push_back(take_text(payload));
    } else {
      wire::read(payload, answer.numbers.emplace_back());
    }
  }
  if (stop == Stop::missing_symbol) fail(setting_.soname + ": it has no function " + function + "; " + setting_.remedy);
  if (stop == Stop::negative) fail_errno(function, -static_cast<int>(answer.numbers.back()));
  return answer;
}

void Library::answer_call(const Received& question) {
  std::int64_t result = -1;
  try {
    std::string_view payload = question.payload;
    if (!thrown_ && handler_) result = handler_(take_text(payload));
  } catch (...) {
    thrown_ = std::current_exception();
  }
  std::string bytes;
  wire::write(bytes, result);
  send(Frame::give, bytes);
}

void Library::send(Frame kind, std::string_view payload) {
  if (payload.size() > largest_frame)
    fail(setting_.soname + ": a request of " + std::to_string(payload.size()) + " bytes");
  std::string frame;
  wire::write(frame, static_cast<std::uint32_t>(payload.size()));
  wire::write(frame, kind);
  frame += payload;
  for (std::string_view rest = frame; !rest.empty();) {
    const ssize_t n = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) explain_end();
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
}

Library::Received Library::receive() {
  std::uint32_t size = 0;
  Received received;
  receive_bytes(reinterpret_cast<char*>(&size), sizeof size);
  receive_bytes(reinterpret_cast<char*>(&received.kind), sizeof received.kind);
  if (size > largest_frame) fail(setting_.soname + ": the bridge's answer is too long");
  received.payload.resize(size);
  receive_bytes(received.payload.data(), size);
  return received;
}

void Library::receive_bytes(char* into, std::size_t size) {
  while (size > 0) {
    if (!sys::wait_readable(socket_, setting_.limit))
      fail(setting_.soname + ": no answer within " + std::to_string(setting_.limit.count()) + " ms");
    const ssize_t n = ::read(socket_.get(), into, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) explain_end();
    into += n;
    size -= static_cast<std::size_t>(n);
  }
}

void Library::explain_end() {
  std::string how;
  if (bridge_.pidfd) {
    if (const auto exit = sys::wait_for(bridge_.pidfd, std::chrono::seconds(1))) {
      bridge_.pidfd.reset();
      // ENOENT of execveat(2) is that of the interpreter which the program names; 127 is also ld.so's own end, after it
      // has said why on the standard error.
      if (exit->status() == exec_failed)
        fail_errno("agentsafe-bridge needs the dynamic loader and C library of glibc 2.34 or later", ENOENT);
      how = " with status " + std::to_string(exit->status());
    }
  }
  fail_errno("agentsafe-bridge ended" + how, ECONNRESET);
}

}  // namespace agentsafe::bridge
