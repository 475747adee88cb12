#include "runtime/criu/session.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <exception>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/mount.h"
#include "runtime/sys/signal.h"
#include "runtime/sys/unix_socket.h"

namespace agentsafe::criu {
namespace {

constexpr std::size_t most_errors = 3;

void join_cgroups(const std::vector<std::string>& files) {
  for (const auto& file : files) sys::write_file(sys::at_cwd, file, "0");
}

// In the child. Descriptors without our close-on-exec flag are criu's to use by their numbers.
void become_criu(const std::string& program, const Setting& setting, FdRef socket) {
  if (setting.prepare_mounts) {
    sys::mount("none", "/", "", MS_REC | MS_SLAVE, "");  // not private: criu restores slaves as slaves of what is here
    setting.prepare_mounts();
  }
  join_cgroups(setting.cgroup_files);
  sys::reset_signals();
  if (!setting.keeps_stdio) {
    const UniqueFd null = sys::openat(sys::at_cwd, "/dev/null", O_RDWR);
    for (int fd = 0; fd <= STDERR_FILENO; ++fd) sys::dup3_onto(null, fd);
  }
  for (const int fd : setting.inherit) sys::set_cloexec(FdRef(fd), false);
  sys::set_cloexec(socket, false);
  const std::vector<std::string> args{"criu", "swrk", std::to_string(socket.get())};
  const std::vector<std::string> env{"PATH=" + setting.path};
  ::execve(program.c_str(), sys::c_strings(args).data(), sys::c_strings(env).data());
  fail_errno("execute " + program);
}

// "(00.012345) Error (criu/mount.c:12): mnt: what happened" → "mnt: what happened"
std::string_view error_of(std::string_view line) {
  const auto at = line.find("Error (");
  const auto end = at == std::string_view::npos ? at : line.find("): ", at);
  return end == std::string_view::npos ? std::string_view() : text::trim(line.substr(end + 3));
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

}  // namespace

std::string find_criu(const std::string& path) {
  for (const auto folder : text::split(path, ':')) {
    std::string program = std::string(folder) + "/criu";
    if (folder.starts_with('/') && ::access(program.c_str(), X_OK) == 0) return program;
  }
  fail("criu is not in PATH (" + path + "): install the package criu, version 3.16 or later");
}

Session::Session(const std::string& program, const Setting& setting) {
  sys::SocketPair ends = sys::socketpair(SOCK_SEQPACKET);
  sys::Pipe complaint = sys::pipe();
  sys::CloneOptions options;
  if (setting.prepare_mounts) options.flags = CLONE_NEWNS;
  options.cgroup_fd = setting.cgroup_fd;
  criu_ = sys::clone3(options, [&] {
    try {
      become_criu(program, setting, ends.theirs);
    } catch (const std::exception& error) {
      sys::write_all(complaint.write_end, error.what());
    }
    return 127;
  });
  socket_ = std::move(ends.ours);
  complaint.write_end.reset();
  const std::string said = sys::read_all(complaint.read_end);  // its end: criu runs
  if (said.empty()) return;
  sys::wait(criu_.pidfd);
  fail(said);
}

UniqueFd Session::open_inside(FdRef folder) const {
  const std::string path = sys::readlinkat(sys::at_cwd, sys::proc_path(folder));
  return sys::openat(sys::at_cwd, "/proc/" + std::to_string(criu_.pid) + "/root" + path, O_RDONLY | O_DIRECTORY);
}

Session::~Session() {
  if (reaped_) return;
  try {
    socket_.reset();
    sys::pidfd_send_signal(criu_.pidfd, SIGKILL);
    sys::wait(criu_.pidfd);
  } catch (const Error&) {  // nobody is left to tell
  }
}

Answer Session::next(std::vector<UniqueFd>& fds) {
  sys::Received received;
  try {
    received = sys::receive_message(socket_);
  } catch (const Error& error) {
    if (error.error_number() != ECONNRESET) throw;
  }
  if (received.bytes.empty()) {
    const auto exit = sys::wait(criu_.pidfd);
    reaped_ = true;
    fail("criu ended with status " + std::to_string(exit.status()) + " without an answer");
  }
  fds = std::move(received.fds);
  return decode_answer(received.bytes);
}

// After a pre-dump criu waits for the next one; there is none.
void Session::finish(Request type) {
  ::shutdown(socket_.get(), SHUT_WR);
  if (type == Request::pre_dump) socket_.reset();
  sys::wait(criu_.pidfd);
  reaped_ = true;
}

Answer Session::request(const std::string& bytes, const OnNotify& on_notify) {
  std::exception_ptr refused;
  try {
    return converse(bytes, on_notify, refused);
  } catch (const Error&) {
    if (!refused) throw;  // else criu was ended by who refused, or gave up
  }
  std::rethrow_exception(refused);
}

Answer Session::converse(const std::string& bytes, const OnNotify& on_notify, std::exception_ptr& refused) {
  sys::send_message(socket_, bytes);
  for (;;) {
    std::vector<UniqueFd> fds;
    Answer answer = next(fds);
    if (answer.type != Request::notify) {
      finish(answer.type);
      if (refused) fail("criu has given up");
      return answer;
    }
    try {
      if (!refused && on_notify) on_notify(answer, fds);
    } catch (const Error&) {
      refused = std::current_exception();
    }
    sys::send_message(socket_, encode_notify_answer(!refused));
  }
}

std::string errors_in(std::string_view log) {
  std::vector<std::string> errors;
  for (const auto line : text::lines(log)) {
    const auto error = error_of(line);
    if (error.empty()) continue;
    if (errors.size() == most_errors) errors.erase(errors.begin());
    errors.emplace_back(text::escaped(error));
  }
  std::string joined = text::join(errors, "; ");
  replace_all(joined, "No such file or directory", "missing (ENOENT)");
  return joined;
}

}  // namespace agentsafe::criu
