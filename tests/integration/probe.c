/* The tests' eyes inside a container: one small static program, no shell tricks, one line of output per fact.
   probe syscall NR [ARG…]      "ret=R errno=E" of any system call; numbers in any base, other words as strings
   probe int80 NR [ARG…]        the same through the 32-bit entry (x86 only)
   probe fds                    every open descriptor: "N TARGET"
   probe signals                "blocked=MASK ignored=MASK" as inherited through execve
   probe report-signals         prints "ready", then "got N" for each signal; leaves with 7 on SIGUSR2
   probe sched | ioprio | mempolicy | personality | keyring | getcwd | dumpable
   probe notify TEXT            one datagram to $NOTIFY_SOCKET
   probe call-abstract NAME     "ret=R errno=E" of a connection to the abstract Unix socket of that name
   probe lock FD                "ret=R errno=E" of an exclusive flock
   probe talk SOCKET            a datagram of a growing number to the Unix socket, ten times a second, connected once
   probe tiocsti TEXT           pushes TEXT into the terminal on descriptor 0
   probe writefd FD TEXT | readfd FD
   probe watch-pids SECONDS     attacks every new process of the pid namespace; prints what succeeded
   probe overwrite-exe SECONDS  opens every /proc/PID/exe and tries to write to it later; prints what succeeded */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long number(const char* word) {
  char* end = NULL;
  const unsigned long long value = strtoull(word, &end, 0);
  return (end != word && *end == '\0') ? (long)value : (long)(intptr_t)word;
}

static int report(long ret) {
  printf("ret=%ld errno=%d\n", ret, ret < 0 ? errno : 0);
  return 0;
}

static int do_syscall(int argc, char** argv) {
  long a[7] = {0};
  for (int i = 0; i < argc && i < 7; i++) a[i] = number(argv[i]);
  return report(syscall(a[0], a[1], a[2], a[3], a[4], a[5], a[6]));
}

static int do_int80(int argc, char** argv) {
#ifdef __x86_64__
  long a[6] = {0};
  for (int i = 0; i < argc && i < 6; i++) a[i] = number(argv[i]);
  long ret;
  __asm__ volatile("int $0x80"
                   : "=a"(ret)
                   : "a"(a[0]), "b"(a[1]), "c"(a[2]), "d"(a[3]), "S"(a[4]), "D"(a[5])
                   : "memory", "r8", "r9", "r10", "r11");
  int result = (int)ret;
  if (result < 0) { errno = -result; result = -1; }
  return report(result);
#else
  (void)argc; (void)argv;
  puts("unsupported");
  return 2;
#endif
}

static int fds(void) {
  for (int fd = 0; fd < 4096; fd++) {
    if (fcntl(fd, F_GETFD) < 0) continue;
    char link[64], target[PATH_MAX] = "?";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t n = readlink(link, target, sizeof target - 1);
    if (n >= 0) target[n] = '\0';
    printf("%d %s\n", fd, target);
  }
  return 0;
}

static int signals(void) {
  unsigned long blocked = 0, ignored = 0;
  sigset_t mask;
  sigprocmask(SIG_BLOCK, NULL, &mask);
  for (int s = 1; s < 65; s++) {
    struct sigaction action;
    if (sigismember(&mask, s) == 1) blocked |= 1ul << (s - 1);
    if (sigaction(s, NULL, &action) == 0 && action.sa_handler == SIG_IGN) ignored |= 1ul << (s - 1);
  }
  printf("blocked=%lx ignored=%lx\n", blocked, ignored);
  return 0;
}

static int report_signals(void) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  puts("ready");
  fflush(stdout);
  for (;;) {
    int s = 0;
    if (sigwait(&all, &s) != 0) return 1;
    printf("got %d\n", s);
    fflush(stdout);
    if (s == SIGUSR2) return 7;
  }
}

/* Abstract sockets have names without files: only a network namespace keeps callers out. */
static int call_abstract(const char* name) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const size_t length = strlen(name) < sizeof address.sun_path - 1 ? strlen(name) : sizeof address.sun_path - 1;
  memcpy(address.sun_path + 1, name, length);
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  return report(connect(fd, (struct sockaddr*)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length)));
}

static int notify(const char* text) {
  const char* path = getenv("NOTIFY_SOCKET");
  if (path == NULL) { puts("no NOTIFY_SOCKET"); return 1; }
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  strncpy(to.sun_path, path, sizeof to.sun_path - 1);
  const int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  const ssize_t n = sendto(fd, text, strlen(text), 0, (struct sockaddr*)&to, sizeof to);
  printf("sent=%zd errno=%d\n", n, n < 0 ? errno : 0);
  return n < 0;
}

static int talk(const char* path) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  strncpy(to.sun_path, path, sizeof to.sun_path - 1);
  const int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  if (connect(fd, (struct sockaddr*)&to, sizeof to) < 0) return report(-1);
  for (int n = 1;; n++) {
    char text[16];
    const int length = snprintf(text, sizeof text, "%d\n", n);
    if (send(fd, text, (size_t)length, 0) < 0) return report(-1);
    usleep(100000);
  }
}

struct sched_attr_v1 {
  unsigned int size, policy;
  unsigned long long flags;
  int nice;
  unsigned int priority;
  unsigned long long runtime, deadline, period;
  unsigned int util_min, util_max;
};

static int sched(void) {
  struct sched_attr_v1 a = {0};
  if (syscall(SYS_sched_getattr, 0, &a, sizeof a, 0) < 0) return report(-1);
  printf("policy=%u flags=%llu nice=%d priority=%u runtime=%llu deadline=%llu period=%llu\n", a.policy, a.flags, a.nice,
         a.priority, a.runtime, a.deadline, a.period);
  return 0;
}

static int mempolicy(void) {
  int mode = -1;
  unsigned long nodes[16] = {0};
  if (syscall(SYS_get_mempolicy, &mode, nodes, 1024, 0, 0) < 0) return report(-1);
  printf("mode=%d nodes=%lx\n", mode, nodes[0]);
  return 0;
}

static int keyring(void) {
  char text[512] = "";
  const long n = syscall(SYS_keyctl, 6 /* KEYCTL_DESCRIBE */, -3 /* session keyring */, text, sizeof text - 1);
  if (n < 0) return report(n);
  printf("%ld %s\n", syscall(SYS_keyctl, 0 /* KEYCTL_GET_KEYRING_ID */, -3, 0), text);
  return 0;
}

static void comm_of(int pid, char* out, size_t size) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/comm", pid);
  const int fd = open(path, O_RDONLY);
  const ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);
  if (fd >= 0) close(fd);
  out[n > 0 ? n - 1 : 0] = '\0';
}

/* Anything may be done to a process once it runs the user's own program: then its exe is readable, and no memfd. */
static int runs_user_program(int pid) {
  char path[64], target[PATH_MAX];
  snprintf(path, sizeof path, "/proc/%d/exe", pid);
  const ssize_t n = readlink(path, target, sizeof target - 1);
  if (n < 0) return 0;
  target[n] = '\0';
  return strstr(target, "memfd:") == NULL;
}

/* Every newly seen process is attacked at once: its comm tells whether it was still the runtime's. */
static int attack(int pid) {
  static const char* const links[] = {"exe", "cwd", "root", "fd/3", "fd/4", "fd/5", "fd/6", "fd/7", "mem"};
  int successes = 0;
  char comm[64], path[64];
  comm_of(pid, comm, sizeof comm);
  for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
    snprintf(path, sizeof path, "/proc/%d/%s", pid, links[i]);
    const int fd = open(path, i == 8 ? O_RDWR : O_PATH);
    if (fd < 0) continue;
    close(fd);
    if (runs_user_program(pid)) continue;
    printf("opened %s of %s\n", path, comm);
    successes++;
  }
  const int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
  for (int n = 3; pidfd >= 0 && n < 16; n++) {
    const int stolen = (int)syscall(SYS_pidfd_getfd, pidfd, n, 0);
    if (stolen < 0) continue;
    close(stolen);
    if (runs_user_program(pid)) continue;
    printf("stole fd %d of %s\n", n, comm);
    successes++;
  }
  if (pidfd >= 0) close(pidfd);
  return successes;
}

static int for_new_pids(double seconds, int (*visit)(int pid)) {
  static unsigned char seen[1 << 22];
  struct timespec start, now;
  int total = 0, visited = 0;
  seen[getpid()] = 1;
  clock_gettime(CLOCK_MONOTONIC, &start);
  puts("ready");
  fflush(stdout);
  do {
    DIR* proc = opendir("/proc");
    for (struct dirent* e; proc != NULL && (e = readdir(proc)) != NULL;) {
      const int pid = atoi(e->d_name);
      if (pid <= 0 || seen[pid]) continue;
      seen[pid] = 1;
      visited++;
      total += visit(pid);
    }
    closedir(proc);
    while (waitpid(-1, NULL, WNOHANG) > 0) {}
    clock_gettime(CLOCK_MONOTONIC, &now);
  } while ((double)(now.tv_sec - start.tv_sec) + (double)(now.tv_nsec - start.tv_nsec) / 1e9 < seconds);
  printf("visited=%d successes=%d\n", visited, total);
  return 0;
}

static int overwrite(int pid) {
  char path[64], comm[64], fdpath[64];
  comm_of(pid, comm, sizeof comm);
  snprintf(path, sizeof path, "/proc/%d/exe", pid);
  const int held = open(path, O_PATH);
  if (held < 0) return 0;
  snprintf(fdpath, sizeof fdpath, "/proc/self/fd/%d", held);
  for (int i = 0; i < 20000; i++) { /* busy text until its process has gone on */
    const int fd = open(fdpath, O_WRONLY);
    if (fd >= 0) {
      printf("opened the executable of %s (%s) for writing\n", path, comm);
      close(fd);
      close(held);
      return 1;
    }
    if (errno != ETXTBSY) break;
  }
  printf("held %s (%s): errno=%d\n", path, comm, errno);
  close(held);
  return 0;
}

static int tiocsti(const char* text) {
  for (; *text != '\0'; text++)
    if (ioctl(0, TIOCSTI, text) < 0) return report(-1);
  return report(0);
}

int main(int argc, char** argv) {
  const char* what = argc > 1 ? argv[1] : "";
  const char* first = argc > 2 ? argv[2] : "";
  if (!strcmp(what, "syscall")) return do_syscall(argc - 2, argv + 2);
  if (!strcmp(what, "int80")) return do_int80(argc - 2, argv + 2);
  if (!strcmp(what, "fds")) return fds();
  if (!strcmp(what, "signals")) return signals();
  if (!strcmp(what, "report-signals")) return report_signals();
  if (!strcmp(what, "sched")) return sched();
  if (!strcmp(what, "ioprio")) return report(syscall(SYS_ioprio_get, 1, 0));
  if (!strcmp(what, "mempolicy")) return mempolicy();
  if (!strcmp(what, "personality")) return report(syscall(SYS_personality, 0xffffffff));
  if (!strcmp(what, "keyring")) return keyring();
  if (!strcmp(what, "dumpable")) return report(prctl(PR_GET_DUMPABLE));
  if (!strcmp(what, "notify")) return notify(first);
  if (!strcmp(what, "call-abstract")) return call_abstract(first);
  if (!strcmp(what, "lock")) return report(flock(atoi(first), LOCK_EX | LOCK_NB));
  if (!strcmp(what, "talk")) return talk(first);
  if (!strcmp(what, "tiocsti")) return tiocsti(first);
  if (!strcmp(what, "watch-pids")) return for_new_pids(atof(first), attack);
  if (!strcmp(what, "overwrite-exe")) return for_new_pids(atof(first), overwrite);
  if (!strcmp(what, "writefd") && argc > 3) return report(write(atoi(first), argv[3], strlen(argv[3])));
  if (!strcmp(what, "readfd")) {
    char text[4096];
    const ssize_t n = read(atoi(first), text, sizeof text);
    if (n < 0) return report(-1);
    fwrite(text, 1, (size_t)n, stdout);
    return 0;
  }
  if (!strcmp(what, "getcwd")) {
    char path[PATH_MAX];
    const long n = syscall(SYS_getcwd, path, sizeof path);
    if (n < 0) return report(n);
    puts(path);
    return 0;
  }
  fprintf(stderr, "probe: unknown request \"%s\"\n", what);
  return 2;
}
