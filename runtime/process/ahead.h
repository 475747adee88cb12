// What every start needs and no config.json decides is made on another processor while this one reads and plans: the
// sealed image of what enters the container and, from when it is known that one is wanted, a network namespace.
//
//   process::Ahead ahead(bytes);                // first of all
//   if (wanted) ahead.make_network();           // as soon as config.json says so
//   UniqueFd image = ahead.image();             // waits for it
//   UniqueFd net = ahead.network();             // a namespace with its loopback up; empty: none was wanted, or none could be made
//
// A thread of ours that makes a few system calls and ends; it takes no lock, allocates nothing and throws nothing. Where there is
// no such thread (not x86-64, or clone(2) refuses one) the image is made when it is asked for, and there is no network.
// 0.2 ms for the copy of the image and 0.3 for a network namespace lie then beside the reading of config.json.
//
// The image is what sys::sealed_program makes (CVE-2019-5736).
#pragma once
#include <string_view>

#include "runtime/base/unique_fd.h"

namespace agentsafe::process {

// One at a time.
class Ahead {
 public:
  explicit Ahead(std::string_view image);
  ~Ahead();  // waits for the thread
  Ahead(const Ahead&) = delete;
  Ahead& operator=(const Ahead&) = delete;

  // Of the user namespace that we are in.
  void make_network();
  [[nodiscard]] UniqueFd image();
  [[nodiscard]] UniqueFd network();

 private:
  void finish();
  std::string_view bytes_;
};

}  // namespace agentsafe::process
