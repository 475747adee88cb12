// Undo owners for effects that have no owner type of their own.
//
//   OnExit undo([&] { sys::unlinkat(dir, "exec.fifo"); });
//   …more steps that may throw…
//   undo.keep();                      // success: the effect stays
#pragma once
#include <utility>

namespace agentsafe {

template <class F>
class OnExit {
 public:
  explicit OnExit(F undo) : undo_(std::move(undo)) {}
  OnExit(const OnExit&) = delete;
  OnExit& operator=(const OnExit&) = delete;
  ~OnExit() noexcept {
    if (!armed_) return;
    try {
      undo_();
    } catch (...) {  // an undo has nobody to report to: the error that caused it is already on its way up
    }
  }
  void keep() { armed_ = false; }

 private:
  F undo_;
  bool armed_ = true;
};

}  // namespace agentsafe
