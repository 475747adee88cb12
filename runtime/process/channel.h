// The line between the runtime (parent) and the init image (child): a SOCK_SEQPACKET pair, one packet one message.
//
//   create:  parent                                init
//            Plan ─ memfd, inherited ───────────▶
//                 ◀──────── Cloned{pid} + pidfd    staged only: the stage has made the init and ends
//                 ◀──────────────────── NeedMaps   a new user namespace waits for its id maps
//            MapsWritten ───────────────────────▶
//                 ◀───────────────────── Mounted   only when the plan has host-side hooks
//            Continue ──────────────────────────▶
//                 ◀────────────── Ready [+ fds]    all done but identity and seccomp; fds: the console's master
//            rlimits, state, pid file
//            Continue ──────────────────────────▶
//                 ◀────────── Listener{fd} ──────  only with SCMP_ACT_NOTIFY; the parent takes the fd by pidfd_getfd
//            Continue ──────────────────────────▶
//                 ◀──────────────────── Created    create: the init waits at the exec fifo now; run: execve comes next
//                 ◀ end of file                    run and exec: execve succeeded, the channel is close-on-exec
//            at any time ◀── Warning, Debug, Failed   Failed is rethrown by expect() as the peer's Error
//
// From the seccomp filter on the init uses only read(2) and write(2) here, which every useful filter allows.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/unique_fd.h"

namespace agentsafe::process {

enum class Kind : std::uint8_t {
  cloned, need_maps, maps_written, mounted, proceed, ready, listener, created, warning, debug, failed
};

struct Message {
  Kind kind = Kind::failed;
  std::int32_t number = 0;   // cloned: pid; listener: descriptor; failed: errno
  std::string text;          // warning, debug, failed
  std::vector<UniqueFd> fds; // never more than 3
};

class Channel {
 public:
  explicit Channel(UniqueFd socket) : socket_(std::move(socket)) {}

  // Throws Error (EPIPE: the peer has ended).
  void send(Kind kind, std::int32_t number = 0, const std::string& text = {}, const std::vector<int>& fds = {});
  // Who is given the texts of Debug, as they come.
  void on_debug(std::function<void(const std::string&)> listener) { on_debug_ = std::move(listener); }
  // The next message that is no Debug; empty when the peer has closed its end.
  std::optional<Message> receive();
  // The next message, which must be `kind`. Failed becomes the Error that the peer threw; a Warning is kept for
  // take_warnings().
  Message expect(Kind kind);
  // The next message that is `kind` or `other`; what comes before it is kept for the calls that follow (a stage and its
  // init share one channel, their messages may overtake each other).
  Message await(Kind kind, Kind other);
  void keep_warning(std::string text) { warnings_.push_back(std::move(text)); }
  [[nodiscard]] std::vector<std::string> take_warnings() { return std::exchange(warnings_, {}); }
  [[nodiscard]] FdRef fd() const { return socket_; }
  void close() { socket_.reset(); }

 private:
  std::optional<Message> next();
  std::optional<Message> receive_any();
  UniqueFd socket_;
  std::vector<Message> early_;
  std::vector<std::string> warnings_;
  std::function<void(const std::string&)> on_debug_;
};

[[nodiscard]] const char* name_of(Kind kind);

}  // namespace agentsafe::process
