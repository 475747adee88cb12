#include "runtime/container/console_copy.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>

#include "runtime/base/error.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/terminal.h"

namespace agentsafe::container {
namespace {

constexpr std::size_t terminal_holds = 256U << 10;  // the kernel buffers 64 KiB and one line discipline's 4 KiB

// A descriptor that does not block, without a change to the one we inherited: a terminal or pipe is opened once more.
// What cannot be (another user's terminal, a socket) is used as it is, after poll(2) only.
UniqueFd not_blocking(FdRef fd, int access) {
  if (sys::is_terminal(fd) || S_ISFIFO(sys::fstat(fd).st_mode))
    if (UniqueFd own = sys::maybe_openat(sys::at_cwd, sys::proc_path(fd), access | O_NONBLOCK | O_NOCTTY)) return own;
  return sys::duplicate(fd);
}

void set_nonblocking(FdRef fd) {
  const int flags = ::fcntl(fd.get(), F_GETFL);
  if (flags < 0 || ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) != 0) fail_errno("set O_NONBLOCK");
}

ssize_t write_some(FdRef to, const char* bytes, std::size_t size) {
  const ssize_t n = ::send(to.get(), bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
  return n < 0 && errno == ENOTSOCK ? ::write(to.get(), bytes, size) : n;
}

bool retry_later() { return errno == EAGAIN || errno == EINTR; }

}  // namespace

ConsoleCopy::ConsoleCopy(UniqueFd master, FdRef in, FdRef out)
    : master_(std::move(master)),
      peer_(sys::open_pty_peer(master_)),
      in_(not_blocking(in, O_RDONLY)),
      out_(not_blocking(out, O_WRONLY)),
      left_to_drain_(terminal_holds) {
  set_nonblocking(master_);
}

ConsoleCopy::Polled ConsoleCopy::interests() const {
  const bool wants_output = output_.open && output_.empty();
  const bool has_input = !input_.empty();
  const auto master_events = static_cast<short>((wants_output ? POLLIN : 0) | (has_input ? POLLOUT : 0));
  // poll(2) reports a hang-up even of what no event is wanted from: -1 keeps such a descriptor out.
  return {{{input_.open && input_.empty() ? in_.get() : -1, POLLIN, 0},
           {output_.empty() ? -1 : out_.get(), POLLOUT, 0},
           {master_events == 0 ? -1 : master_.get(), master_events, 0}}};
}

void ConsoleCopy::go_on(const Polled& polled) {
  const auto [in, out, master] = polled;
  if (in.revents != 0) read_input();
  if (out.revents != 0) write_output();
  if ((master.revents & (POLLHUP | POLLERR)) != 0) {  // nobody reads what we would write
    input_.begin = input_.end;
    input_.open = false;
  }
  if (master.revents != 0 && output_.open && output_.empty()) read_output();
  if (!input_.empty()) write_input();
}

bool ConsoleCopy::drained() {
  input_.open = false;
  input_.begin = input_.end;
  for (;;) {
    if (!output_.empty()) write_output();
    if (!output_.empty()) return false;
    if (!output_.open || left_to_drain_ == 0) return true;
    read_output();
    if (output_.empty()) return true;
    const std::size_t got = output_.end - output_.begin;
    left_to_drain_ -= got < left_to_drain_ ? got : left_to_drain_;
  }
}

ConsoleCopy::Step ConsoleCopy::fill(Flow& flow, FdRef from) {
  const ssize_t n = ::read(from.get(), flow.bytes.data(), flow.bytes.size());
  if (n < 0 && retry_later()) return Step::would_block;
  if (n <= 0) return Step::ended;
  flow.begin = 0;
  flow.end = static_cast<std::size_t>(n);
  return Step::done;
}

ConsoleCopy::Step ConsoleCopy::drain(Flow& flow, FdRef to) {
  const ssize_t n = write_some(to, flow.bytes.data() + flow.begin, flow.end - flow.begin);
  if (n < 0) return retry_later() ? Step::would_block : Step::ended;
  flow.begin += static_cast<std::size_t>(n);
  return Step::done;
}

void ConsoleCopy::read_input() {
  if (fill(input_, in_) == Step::ended) input_.open = false;
}

void ConsoleCopy::write_input() {
  if (drain(input_, master_) != Step::ended) return;
  input_.begin = input_.end;
  input_.open = false;
}

// EIO: the terminal was hung up from inside.
void ConsoleCopy::read_output() {
  if (fill(output_, master_) == Step::ended) output_.open = false;
}

void ConsoleCopy::write_output() {
  if (drain(output_, out_) != Step::ended) return;
  if (errno != EPIPE && errno != EIO && errno != ECONNRESET) fail_errno("write the container's output");
  hang_up();
}

void ConsoleCopy::hang_up() {
  input_ = {};
  output_ = {};
  input_.open = output_.open = false;
  peer_.reset();
  master_.reset();
}

}  // namespace agentsafe::container
