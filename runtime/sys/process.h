// Processes and namespaces. Source: clone(2), setns(2), unshare(2), pidfd_open(2), pidfd_send_signal(2), waitid(2),
// prctl(2), prlimit(2), execveat(2), user_namespaces(7).
#pragma once
#include <sched.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/uid_map.h"
#include "runtime/base/unique_fd.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

namespace agentsafe::sys {

struct Child {
  pid_t pid = -1;
  UniqueFd pidfd;
};

struct CloneOptions {
  std::uint64_t flags = 0;  // CLONE_NEW…, CLONE_PARENT; CLONE_PIDFD is always added
  int cgroup_fd = -1;       // a cgroup2 directory: CLONE_INTO_CGROUP (Linux 5.7)
  // As vfork(2): the child has our memory, and we wait until it executes or ends; no copying of page tables, 0.2 ms for a
  // small program. For a body that executes at once, or makes a few system calls and changes nothing; and for a cgroup
  // that is not at its limits and not frozen: what kills or stops the child there does it to us. (x86-64; elsewhere the
  // memory is copied.)
  bool shares_memory = false;
};

// clone3(2): the child runs `body` in a frame that nothing unwinds through and ends with _exit(what body returns);
// an exception in it is _exit(1) (bodies report through their channel before). Linux 5.5.
Child clone3(const CloneOptions& options, const std::function<int()>& body);

UniqueFd pidfd_open(pid_t pid);      // throws; ESRCH when there is none
UniqueFd try_pidfd_open(pid_t pid);  // empty when there is no such process
// false when the process has ended.
bool pidfd_send_signal(FdRef pidfd, int signal);
// A copy of another process's descriptor (pidfd_getfd, Linux 5.6).
UniqueFd pidfd_getfd(FdRef pidfd, int fd);

// The pid behind a pidfd in our pid namespace, from /proc/self/fdinfo.
std::optional<pid_t> pid_of(FdRef pidfd);
// Field 22 of /proc/PID/stat, the guard against pid reuse; empty when there is no such process.
struct ProcessStat {
  char state = '?';  // R S D Z T …
  std::uint64_t start_time = 0;
};
std::optional<ProcessStat> process_stat(pid_t pid);

struct Exit {
  int code = 0;    // exit status, or 0 when signal is set
  int signal = 0;  // the signal that ended it
  // As a shell reports it: code, or 128 + signal.
  [[nodiscard]] int status() const { return signal != 0 ? 128 + signal : code; }
};
// Waits for a child, by its pidfd.
Exit wait(FdRef pidfd);
// The same for at most `limit`; empty when time ran out.
std::optional<Exit> wait_for(FdRef pidfd, std::chrono::milliseconds limit);
// poll(2) for reading: true when ready, false after `limit` (negative: for ever).
bool wait_readable(FdRef fd, std::chrono::milliseconds limit);

// A user namespace that exists only as this descriptor: a helper makes it and ends. The maps as user_namespaces(7)
// writes them, "0 100000 65536\n".
UniqueFd user_namespace(const std::string& uid_map, const std::string& gid_map);
// Of ours, from /proc/self/uid_map; empty: a kernel without such namespaces. And whether it is the one that the machine
// started with.
std::optional<UidMap> own_uid_map();
std::optional<bool> in_initial_user_namespace();

void setns(FdRef ns, int flags);
void unshare(int flags);

void set_dumpable(bool on);
void set_no_new_privileges();
void set_keep_capabilities(bool on);
// The ids that files are made with (setfsuid(2)), with all capabilities that are permitted.
void set_file_ids(uid_t uid, gid_t gid);
void set_child_subreaper(bool on);
void set_parent_death_signal(int signal);
int parent_death_signal();
// sched_setaffinity(2) of the calling thread; the mask is the bytes of a cpu_set_t.
// Without a system call: we never change it.
inline uid_t effective_uid() { return static_cast<uid_t>(::getauxval(AT_EUID)); }
void set_affinity(const std::string& mask);
// What tells this boot of the machine from every other: pids and inodes of another one name nothing now.
std::string boot_id();
unsigned online_processors();  // of the machine, as sysconf(3) counts them
void prlimit(pid_t pid, int resource, const rlimit& limit);

// execveat(fd, "", AT_EMPTY_PATH); returns errno, never on success.
int execveat(FdRef program, const std::vector<std::string>& args, const std::vector<std::string>& env);
// nullptr-terminated views of strings that outlive them.
std::vector<char*> c_strings(const std::vector<std::string>& strings);

}  // namespace agentsafe::sys
