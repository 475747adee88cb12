#include "runtime/init/program.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/sys/fd.h"

namespace agentsafe::init {
namespace {

constexpr std::size_t passwd_limit = 1U << 20;

// 0 when execve may try it, else the errno that a shell would report.
int unusable(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return errno;
  if (S_ISDIR(info.st_mode)) return EISDIR;
  // access(2) first: a filter made before Linux 5.8 may refuse faccessat2(2), which knows of the effective capabilities
  if (::access(path.c_str(), X_OK) == 0) return 0;
  const int error = errno;
  return ::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0 ? 0 : error;
}

}  // namespace

std::string_view variable(const std::vector<std::string>& env, std::string_view name) {
  for (std::string_view entry : env)
    if (entry.starts_with(name) && entry.substr(name.size()).starts_with('=')) return entry.substr(name.size() + 1);
  return {};
}

std::string find_program(const std::string& name, const std::vector<std::string>& env) {
  const std::string quoted = "exec: \"" + text::escaped(name) + "\"";
  if (name.find('/') != std::string::npos) {
    const int error = unusable(name);
    if (error == 0) return name;
    // Docker 20.10 knows the second half only
    if (error == EISDIR) throw Error(quoted + ": is a directory: permission denied", EACCES);
    if (error == ENOENT || error == ENOTDIR) fail_users_file(quoted + ": stat " + text::escaped(name), error);
    fail_errno(quoted, error);
  }
  bool refused = false;
  for (const auto dir : text::split(variable(env, "PATH"), ':')) {
    if (!dir.starts_with('/')) continue;  // "." and empty entries: never a program of the working directory
    std::string path = std::string(dir) + "/" + name;
    const int error = unusable(path);
    if (error == 0) return path;
    refused = refused || error == EACCES;
  }
  if (refused) fail_errno(quoted, EACCES);
  throw Error(quoted + ": executable file not found in $PATH", ENOENT);
}

std::optional<std::string> home_in(std::string_view passwd, std::uint32_t uid) {
  for (const auto line : text::split(passwd, '\n')) {
    const auto fields = text::split(line, ':');  // name:password:uid:gid:comment:home:shell
    if (fields.size() < 6 || text::parse<std::uint32_t>(fields[2]) != uid) continue;
    return std::string(fields[5]);
  }
  return std::nullopt;
}

std::string home_of(std::uint32_t uid) {
  return in_context("find the home directory in /etc/passwd", [&]() -> std::string {
    const UniqueFd file = sys::try_openat(sys::at_cwd, "/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (!file) return "/";
    if (!S_ISREG(sys::fstat(file).st_mode)) return "/";  // masked, or a trap: nobody's home can be read there
    const auto home = home_in(sys::read_all(file, passwd_limit), uid).value_or("");
    return home.empty() ? "/" : home;
  });
}

void make_directories(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST) return;
  const auto slash = path.find_last_of('/', path.find_last_not_of('/'));
  if (errno == ENOENT && slash != std::string::npos && slash > 0) {
    make_directories(path.substr(0, slash));
    if (::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST) return;
  }
  fail_errno("make the working directory " + path);
}

bool try_change_directory(const std::string& cwd) {
  if (::chdir(cwd.c_str()) == 0) return true;
  if (errno == EACCES) return false;
  fail_users_file("chdir to cwd (\"" + text::escaped(cwd) + "\") set in config.json failed");
}

void verify_working_directory(const std::string& cwd) {
  char path[PATH_MAX];
  const bool inside = ::getcwd(path, sizeof path) != nullptr && path[0] == '/';
  if (!inside)
    fail("chdir to cwd (\"" + text::escaped(cwd) +
         "\"): current working directory is outside of container mount namespace root -- possible container breakout "
         "detected");
}

}  // namespace agentsafe::init
