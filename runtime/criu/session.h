// One run of criu(8): `criu swrk`, which serves one request on a socket and ends.
//
//   Session session(find_criu(path), {.cgroup_fd = join.directory.get()});
//   Answer answer = session.request(encode_request(Request::dump, &options), on_notify);
//   if (!answer.success) fail(what_went_wrong(log));
#pragma once
#include <exception>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/unique_fd.h"
#include "runtime/criu/options.h"
#include "runtime/sys/process.h"

namespace agentsafe::criu {

// The program's path; `path` is a PATH. Throws with the remedy when there is none.
[[nodiscard]] std::string find_criu(const std::string& path);

struct Setting {
  std::string path;                       // PATH, for what criu runs itself: tar, iptables-restore, nft
  int cgroup_fd = -1;                     // a version 2 directory to start it in
  std::vector<std::string> cgroup_files;  // and version 1's
  bool keeps_stdio = false;               // restore: our standard streams become the container's; else /dev/null
  std::vector<int> inherit;               // descriptors that options name by number
  // In a mount namespace of its own, before criu is executed there; nothing of it reaches the host's mount table.
  std::function<void()> prepare_mounts;
};

// Notifications of criu, with the descriptors that came along; what it throws makes criu give up.
using OnNotify = std::function<void(const Answer&, std::vector<UniqueFd>&)>;

class Session {
 public:
  Session(const std::string& program, const Setting& setting);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();  // ends what still runs

  [[nodiscard]] pid_t pid() const { return criu_.pid; }
  // A folder of ours as criu sees it: only on mounts of its own namespace can it mount.
  [[nodiscard]] UniqueFd open_inside(FdRef folder) const;
  // Sends the request and answers the notifications until criu answers it and has ended. An answer without success is
  // not an error here; what on_notify threw is thrown again once criu has given up.
  Answer request(const std::string& bytes, const OnNotify& on_notify = {});

 private:
  [[nodiscard]] Answer next(std::vector<UniqueFd>& fds);
  Answer converse(const std::string& bytes, const OnNotify& on_notify, std::exception_ptr& refused);
  void finish(Request type);
  UniqueFd socket_;
  sys::Child criu_;
  bool reaped_ = false;
};

// The last errors in a log of criu as one line: `Can't dump … (1:2)"; ENOENT in the words of errno_text, since engines
// read "No such file or directory" as a missing command. Empty when there is none.
[[nodiscard]] std::string errors_in(std::string_view log);

}  // namespace agentsafe::criu
