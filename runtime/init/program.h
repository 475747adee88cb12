// The user's program: its working directory, its home, and the file that execve will run. All inside the container,
// after pivot_root, so plain paths are the container's paths.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace agentsafe::init {

// The file for args[0]: as given when it holds a "/", else searched in PATH of env. Errors in the words that engines
// match: `exec: "nope": executable file not found in $PATH`, `exec: "/etc": is a directory: permission denied`,
// `exec: "/x": permission denied`, `exec: "/x": stat /x: no such file or directory`.
[[nodiscard]] std::string find_program(const std::string& name, const std::vector<std::string>& env);

// The value of NAME in env; empty when absent.
[[nodiscard]] std::string_view variable(const std::vector<std::string>& env, std::string_view name);

// Where HOME points for a uid, from the container's /etc/passwd; "/" when there is no entry or no file. A passwd that
// is no regular file, or beyond 1 MiB, is an error: a FIFO there must not hang us (security.md §0 row 4).
[[nodiscard]] std::string home_of(std::uint32_t uid);
[[nodiscard]] std::optional<std::string> home_in(std::string_view passwd, std::uint32_t uid);

// mkdir -p inside the container, mode 0755.
void make_directories(const std::string& path);
// false when the container's root may not enter it (EACCES): tried again as the user.
bool try_change_directory(const std::string& cwd);
// CVE-2024-21626: the working directory must be inside the container's root.
void verify_working_directory(const std::string& cwd);

}  // namespace agentsafe::init
