// File descriptors: UniqueFd owns one, FdRef borrows one for the length of a call.
//
//   UniqueFd dir = sys::open_path("/run/agentsafe");
//   sys::mkdirat(dir, "web", 0711);          // converts to FdRef by itself
//
// Every UniqueFd is close-on-exec; whoever passes one across execve says so (sys::keep_across_exec).
#pragma once
#include <unistd.h>

#include <utility>

namespace agentsafe {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~UniqueFd() { reset(); }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

class FdRef {
 public:
  FdRef(const UniqueFd& owner) : fd_(owner.get()) {}  // NOLINT: borrowing is implicit by design
  explicit FdRef(int fd) : fd_(fd) {}
  [[nodiscard]] int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

}  // namespace agentsafe
