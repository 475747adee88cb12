// Copies between the caller's standard streams and the master of a container's terminal, both ways, in steps that never
// block. Each direction holds at most one buffer of bytes: who reads slowly slows down who writes.
//
//   ConsoleCopy copy(std::move(master), FdRef(STDIN_FILENO), FdRef(STDOUT_FILENO));
//   for (;;) { auto fds = copy.interests(); poll(fds); copy.go_on(fds); … }
//   while (!copy.drained()) poll(copy.interests());           // the process has ended
#pragma once
#include <poll.h>

#include <array>
#include <cstddef>

#include "runtime/base/unique_fd.h"

namespace agentsafe::container {

class ConsoleCopy {
 public:
  // in and out must outlive it. Their file status flags are not changed: they are shared with other programs.
  ConsoleCopy(UniqueFd master, FdRef in, FdRef out);

  // What to poll(2) for: in, out, master; a descriptor of -1 for what is not waited for.
  using Polled = std::array<pollfd, 3>;
  [[nodiscard]] Polled interests() const;
  // Moves bytes as far as they go. The end of our input ends nothing else. When our output is gone the terminal is hung
  // up, as if its window had been closed. Throws for other failures to write.
  void go_on(const Polled& polled);

  // Once the process has ended: moves what it has left behind; false while our output has to be waited for. Other
  // processes may still hold the terminal and write for ever: it ends after as much as a terminal can hold.
  [[nodiscard]] bool drained();

  [[nodiscard]] FdRef master() const { return master_; }

 private:
  struct Flow {
    std::array<char, 4096> bytes;  // PIPE_BUF: a pipe that is ready takes as much without blocking
    std::size_t begin = 0;
    std::size_t end = 0;
    bool open = true;
    [[nodiscard]] bool empty() const { return begin == end; }
  };
  enum class Step { done, would_block, ended };
  static Step fill(Flow& flow, FdRef from);
  static Step drain(Flow& flow, FdRef to);
  void read_input();
  void write_input();
  void read_output();
  void write_output();
  void hang_up();

  UniqueFd master_;
  UniqueFd peer_;  // held open: between two programs that open the terminal in turn it would count as hung up
  UniqueFd in_;
  UniqueFd out_;
  Flow input_;
  Flow output_;
  std::size_t left_to_drain_;
};

}  // namespace agentsafe::container
