// The floor: only the kernel's work that the default `spec` demands, and nothing else. No JSON, no state, no checks
// but the one that every call succeeded. What a runtime takes on top of this is its own.
//
//   floor [--seccomp] [--no-netns] ROOTFS COMMAND [ARGUMENT…]
//
// It makes a cgroup in every hierarchy with the default device rules, clones into all namespaces, mounts what the
// default spec lists, makes the devices, pivots, masks, drops capabilities, executes, waits, and removes the cgroups.
// Its exit status is the command's.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void check(long result, const char *what) {
  if (result >= 0) return;
  fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
  exit(111);
}

static void put(const char *directory, const char *file, const char *text) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s", directory, file);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  check(fd, path);
  check(write(fd, text, strlen(text)), path);
  close(fd);
}

// --- cgroups ---------------------------------------------------------------------------------------------------------

static struct {
  int v2;                  // one hierarchy, version 2
  int unified;             // index of the v2 hierarchy, alone or beside v1 ones; -1: none
  int count;
  char mount_point[32][64];
  char directory[32][128];  // the container's
} cgroups = {.unified = -1};

struct device_rule { int major, minor; };  // minor -1: any
static const struct device_rule allowed[] = {{1, 3}, {1, 8}, {1, 7}, {5, 0}, {1, 5}, {1, 9}, {136, -1}, {5, 2}};

static void find_cgroups(void) {
  static char text[65536];
  int fd = open("/proc/self/mounts", O_RDONLY | O_CLOEXEC);
  check(fd, "/proc/self/mounts");
  size_t used = 0;
  for (ssize_t got; (got = read(fd, text + used, sizeof text - 1 - used)) > 0;) used += (size_t)got;
  close(fd);
  for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
    char target[64], type[16];
    if (sscanf(line, "%*s %63s %15s", target, type) != 2 || strncmp(type, "cgroup", 6) != 0) continue;
    if (strncmp(target, "/sys/fs/cgroup", 14) != 0 || cgroups.count == 32) continue;
    cgroups.v2 |= strcmp(target, "/sys/fs/cgroup") == 0;
    int at = cgroups.count++;
    if (strcmp(type, "cgroup2") == 0) cgroups.unified = at;
    strcpy(cgroups.mount_point[at], target);
    snprintf(cgroups.directory[at], sizeof cgroups.directory[at], "%s/floor-%d", target, (int)getpid());
  }
}

static void limit_devices_v1(const char *directory) {
  put(directory, "devices.deny", "a");
  put(directory, "devices.allow", "c *:* m");
  put(directory, "devices.allow", "b *:* m");
  for (size_t i = 0; i < COUNT(allowed); ++i) {
    char rule[64], minor[16] = "*";
    if (allowed[i].minor >= 0) snprintf(minor, sizeof minor, "%d", allowed[i].minor);
    snprintf(rule, sizeof rule, "c %d:%s rwm", allowed[i].major, minor);
    put(directory, "devices.allow", rule);
  }
}

// The same rules as an eBPF program: bpf(2), struct bpf_cgroup_dev_ctx.
static void limit_devices_v2(int directory) {
  struct bpf_insn code[64];
  int n = 0;
#define EMIT(c, d, s, o, i) code[n++] = (struct bpf_insn){.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)}
  EMIT(BPF_LDX | BPF_MEM | BPF_W, 2, 1, 0, 0);                // r2 = access and type
  EMIT(BPF_LDX | BPF_MEM | BPF_W, 4, 1, 4, 0);                // r4 = major
  EMIT(BPF_LDX | BPF_MEM | BPF_W, 5, 1, 8, 0);                // r5 = minor
  EMIT(BPF_ALU64 | BPF_MOV | BPF_X, 3, 2, 0, 0);              // r3 = access
  EMIT(BPF_ALU64 | BPF_RSH | BPF_K, 3, 0, 0, 16);
  EMIT(BPF_ALU64 | BPF_AND | BPF_K, 2, 0, 0, 0xffff);         // r2 = type
  EMIT(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 1);              // allow …
  EMIT(BPF_JMP | BPF_JNE | BPF_K, 3, 0, 1, BPF_DEVCG_ACC_MKNOD);
  EMIT(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);                       // … making any node
  for (size_t i = 0; i < COUNT(allowed); ++i) {
    int any = allowed[i].minor < 0;
    EMIT(BPF_JMP | BPF_JNE | BPF_K, 4, 0, any ? 1 : 2, allowed[i].major);
    if (!any) EMIT(BPF_JMP | BPF_JNE | BPF_K, 5, 0, 1, allowed[i].minor);
    EMIT(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
  }
  EMIT(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0);
  EMIT(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
#undef EMIT
  union bpf_attr load = {.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE, .insn_cnt = (unsigned)n,
                         .insns = (unsigned long)code, .license = (unsigned long)"Apache-2.0"};
  int program = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load);
  check(program, "load the device filter");
  union bpf_attr attach = {.target_fd = (unsigned)directory, .attach_bpf_fd = (unsigned)program,
                           .attach_type = BPF_CGROUP_DEVICE, .attach_flags = BPF_F_ALLOW_MULTI};
  check(syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof attach), "attach the device filter");
  close(program);
}

// A v1 cpuset is empty, and cannot be joined, until it has been filled.
static void copy_knob(int at, const char *file) {
  char path[512], text[4096] = "";
  snprintf(path, sizeof path, "%s/%s", cgroups.mount_point[at], file);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  check(fd, path);
  check(read(fd, text, sizeof text - 1), path);
  close(fd);
  put(cgroups.directory[at], file, text);
}

// Returns a descriptor of the v2 cgroup to clone into, or -1. The child joins those of v1 by itself.
static int make_cgroups(void) {
  for (int i = 0; i < cgroups.count; ++i) {
    check(mkdir(cgroups.directory[i], 0755), cgroups.directory[i]);
    if (strcmp(cgroups.mount_point[i], "/sys/fs/cgroup/devices") == 0) limit_devices_v1(cgroups.directory[i]);
    if (strcmp(cgroups.mount_point[i], "/sys/fs/cgroup/cpuset") == 0) {
      copy_knob(i, "cpuset.cpus");
      copy_knob(i, "cpuset.mems");
    }
  }
  if (cgroups.unified < 0) return -1;
  int directory = open(cgroups.directory[cgroups.unified], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  check(directory, cgroups.directory[cgroups.unified]);
  if (cgroups.v2) limit_devices_v2(directory);
  return directory;
}

static void join_cgroups_v1(void) {
  for (int i = 0; i < cgroups.count; ++i) {
    if (i != cgroups.unified) put(cgroups.directory[i], "tasks", "0");
  }
}

static void remove_cgroups(void) {
  for (int i = 0; i < cgroups.count; ++i) check(rmdir(cgroups.directory[i]), cgroups.directory[i]);
}

// --- the root filesystem, with the root itself as working directory --------------------------------------------------

static void mount_on(const char *source, const char *target, const char *type, unsigned long flags, const char *data) {
  check(mount(source, target, type, flags, data), target);
}

static void make_below(const char *target) {
  if (mkdir(target, 0755) < 0 && errno != EEXIST) check(-1, target);
}

static void mount_cgroups(void) {
  const unsigned long flags = MS_NOSUID | MS_NOEXEC | MS_NODEV | MS_RELATIME;
  if (cgroups.v2) {
    mount_on("cgroup", "sys/fs/cgroup", "cgroup2", flags | MS_RDONLY, NULL);
    return;
  }
  mount_on("tmpfs", "sys/fs/cgroup", "tmpfs", flags, "mode=755");
  for (int i = 0; i < cgroups.count; ++i) {
    const char *target = cgroups.mount_point[i] + 1;
    make_below(target);
    mount_on(cgroups.directory[i], target, NULL, MS_BIND, NULL);
    mount_on(NULL, target, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | flags, NULL);
  }
  mount_on(NULL, "sys/fs/cgroup", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | flags, NULL);
}

static void mount_filesystems(void) {
  const unsigned long strict = MS_NOSUID | MS_NOEXEC | MS_NODEV;
  make_below("proc");
  mount_on("proc", "proc", "proc", 0, NULL);
  make_below("dev");
  mount_on("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k");
  make_below("dev/pts");
  mount_on("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5");
  make_below("dev/shm");
  mount_on("shm", "dev/shm", "tmpfs", strict, "mode=1777,size=65536k");
  make_below("dev/mqueue");
  mount_on("mqueue", "dev/mqueue", "mqueue", strict, NULL);
  make_below("sys");
  mount_on("sysfs", "sys", "sysfs", strict | MS_RDONLY, NULL);
  mount_cgroups();
}

static void make_devices(void) {
  static const struct { const char *path; unsigned major, minor; } nodes[] = {
      {"dev/null", 1, 3}, {"dev/zero", 1, 5}, {"dev/full", 1, 7}, {"dev/random", 1, 8}, {"dev/urandom", 1, 9}, {"dev/tty", 5, 0}};
  static const char *const links[][2] = {{"/proc/self/fd", "dev/fd"}, {"/proc/self/fd/0", "dev/stdin"},
      {"/proc/self/fd/1", "dev/stdout"}, {"/proc/self/fd/2", "dev/stderr"}, {"pts/ptmx", "dev/ptmx"}};
  umask(0);
  for (size_t i = 0; i < COUNT(nodes); ++i) check(mknod(nodes[i].path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)), nodes[i].path);
  for (size_t i = 0; i < COUNT(links); ++i) check(symlink(links[i][0], links[i][1]), links[i][1]);
  umask(022);
}

static void mask_and_protect(void) {
  static const char *const masked[] = {"/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
      "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi"};
  static const char *const read_only[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
  const char *empty = NULL;  // one read-only tmpfs serves all masked directories
  struct stat found;
  for (size_t i = 0; i < COUNT(read_only); ++i) {
    if (mount(read_only[i], read_only[i], NULL, MS_BIND | MS_REC, NULL) < 0 && errno == ENOENT) continue;
    mount_on(NULL, read_only[i], NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL);
  }
  for (size_t i = 0; i < COUNT(masked); ++i) {
    if (stat(masked[i], &found) < 0) continue;
    if (!S_ISDIR(found.st_mode)) {
      mount_on("/dev/null", masked[i], NULL, MS_BIND, NULL);
    } else if (empty) {
      mount_on(empty, masked[i], NULL, MS_BIND, NULL);
    } else {
      mount_on("tmpfs", empty = masked[i], "tmpfs", MS_RDONLY, NULL);
    }
  }
}

static void enter_root(const char *root) {
  mount_on(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL);
  mount_on(root, root, NULL, MS_BIND | MS_REC, NULL);
  check(chdir(root), root);
  mount_filesystems();
  make_devices();
  check(syscall(SYS_pivot_root, ".", "."), "pivot_root");
  check(umount2(".", MNT_DETACH), "umount the old root");
  check(chdir("/"), "/");
  mount_on(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL);
}

// --- the process -----------------------------------------------------------------------------------------------------

static void loopback_up(void) {
  struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  check(fd, "socket");
  check(ioctl(fd, SIOCSIFFLAGS, &request), "lo up");
  close(fd);
}

static void limit_capabilities(void) {
  const unsigned keep = 1u << CAP_AUDIT_WRITE | 1u << CAP_KILL | 1u << CAP_NET_BIND_SERVICE;
  for (int c = 0; c <= CAP_LAST_CAP; ++c) {
    if (c < 32 && keep >> c & 1) continue;
    if (prctl(PR_CAPBSET_DROP, c, 0, 0, 0) < 0 && errno == EINVAL) break;
  }
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2] = {{keep, keep, 0}, {0, 0, 0}};
  check(syscall(SYS_capset, &header, data), "capset");
}

// As long as a usual profile: 400 comparisons and then "allow".
static void load_seccomp(void) {
  static struct sock_filter code[402];
  size_t n = 0;
  code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  while (n < 401) {
    code[n] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)(1000 + n), 0, 0);
    ++n;
  }
  code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog program = {(unsigned short)n, code};
  check(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), "seccomp");
}

static int option(int *argc, char ***argv, const char *name) {
  if (*argc < 2 || strcmp((*argv)[1], name) != 0) return 0;
  ++*argv, --*argc;
  return 1;
}

static void contain(const char *root, int own_network, int seccomp) {
  const struct rlimit files = {1024, 1024};
  setsid();
  if (!cgroups.v2) join_cgroups_v1();
  if (cgroups.v2) check(unshare(CLONE_NEWCGROUP), "unshare the cgroup namespace");
  if (own_network) loopback_up();
  enter_root(root);
  check(sethostname("floor", 5), "sethostname");
  mask_and_protect();
  check(setrlimit(RLIMIT_NOFILE, &files), "setrlimit");
  check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
  limit_capabilities();
  if (seccomp) load_seccomp();
}

int main(int argc, char **argv) {
  int seccomp = option(&argc, &argv, "--seccomp");
  int own_network = !option(&argc, &argv, "--no-netns");
  if (argc < 3) {
    fprintf(stderr, "usage: floor [--seccomp] [--no-netns] ROOTFS COMMAND [ARGUMENT…]\n");
    return 2;
  }
  find_cgroups();
  int cgroup = make_cgroups();
  struct clone_args how = {.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS, .exit_signal = SIGCHLD};
  if (own_network) how.flags |= CLONE_NEWNET;
  if (cgroup >= 0) how.flags |= CLONE_INTO_CGROUP, how.cgroup = (unsigned)cgroup;
  long child = syscall(SYS_clone3, &how, sizeof how);
  check(child, "clone3");
  if (child == 0) {
    contain(argv[1], own_network, seccomp);
    execv(argv[2], argv + 2);
    check(-1, argv[2]);
  }
  int status = 0;
  check(waitpid((pid_t)child, &status, 0), "waitpid");
  remove_cgroups();
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
