// The command table: everything the program can be asked to do. Sources of the names: runc(8) and its pages, crun(1).
#include "runtime/cli/command.h"

#include <algorithm>

#include "runtime/cli/verbs.h"

namespace agentsafe::cli {
namespace {

// .hidden, .repeats in the rows below
constexpr bool once = false, repeats = true, hidden = true;

constexpr Option program_options[] = {
    {"debug", 0, "", "log debug messages too"},
    {"log", 0, "FILE", "where to log instead of standard error: FILE, file:FILE, syslog:TAG or journald:TAG"},
    {"log-format", 0, "text|json", "the format of the log"},
    {"log-level", 0, "error|warning|debug", "the least important messages to log"},
    {"root", 0, "DIR", "where the state of containers is kept (/run/agentsafe; users: $XDG_RUNTIME_DIR/agentsafe)"},
    {"policy", 0, "POLICY", "the name or file of a policy: what is added to the bundle and refused of it (strict; oci: nothing)"},
    {"cgroup-manager", 0, "cgroupfs|systemd|disabled", "who makes cgroups (cgroupfs: this program itself)"},
    {"systemd-cgroup", 0, "", "the same as --cgroup-manager=systemd"},
    {"rootless", 0, "true|false|auto", "whether cgroups that cannot be written are left alone"},
    {"version", 'v', "", "print the version"},
};

constexpr Option create_options[] = {
    {"bundle", 'b', "DIR", "the bundle's folder (the current one)"},
    {"config", 'f', "FILE", "the configuration, instead of the bundle's config.json"},
    {"console-socket", 0, "SOCKET", "the unix socket that is sent the terminal"},
    {"pidfd-socket", 0, "SOCKET", "the unix socket that is sent a pidfd of the container's process"},
    {"pid-file", 0, "FILE", "where to write the process id"},
    {"no-pivot", 0, "", "enter the root file system with chroot: only for a host whose root is a ramdisk, unsafe"},
    {"no-new-keyring", 0, "", "keep the caller's session keyring"},
    {"preserve-fds", 0, "N", "give the container the descriptors 3 to 2+N"},
    {"no-subreaper", 0, "", "do not adopt orphans", once, hidden},
    {"dry-run", 0, "", "print what would be done and do nothing"},
    {"detach", 'd', "", "without effect: create always returns", once, hidden},
};
constexpr Option run_options[] = {
    {"bundle", 'b', "DIR", "the bundle's folder (the current one)"},
    {"config", 'f', "FILE", "the configuration, instead of the bundle's config.json"},
    {"console-socket", 0, "SOCKET", "the unix socket that is sent the terminal"},
    {"pidfd-socket", 0, "SOCKET", "the unix socket that is sent a pidfd of the container's process"},
    {"pid-file", 0, "FILE", "where to write the process id"},
    {"detach", 'd', "", "return when the container's process runs"},
    {"keep", 0, "", "do not delete the container when its process ends"},
    {"no-subreaper", 0, "", "do not adopt the orphans of the container"},
    {"no-pivot", 0, "", "enter the root file system with chroot: only for a host whose root is a ramdisk, unsafe"},
    {"no-new-keyring", 0, "", "keep the caller's session keyring"},
    {"preserve-fds", 0, "N", "give the container the descriptors 3 to 2+N"},
    {"dry-run", 0, "", "print what would be done and do nothing"},
};
constexpr Option exec_options[] = {
    {"console-socket", 0, "SOCKET", "the unix socket that is sent the terminal"},
    {"pidfd-socket", 0, "SOCKET", "the unix socket that is sent a pidfd of the process"},
    {"cwd", 0, "PATH", "the working directory in the container"},
    {"env", 'e', "NAME=VALUE", "a variable of the environment", repeats},
    {"tty", 't', "", "give the process a terminal"},
    {"user", 'u', "UID[:GID]", "the user to run as"},
    {"additional-gids", 'g', "GID", "a further group", repeats},
    {"process", 'p', "FILE", "a JSON file with the process, instead of the command"},
    {"detach", 'd', "", "return when the process runs"},
    {"pid-file", 0, "FILE", "where to write the process id"},
    {"process-label", 0, "LABEL", "the SELinux label"},
    {"apparmor", 0, "PROFILE", "the AppArmor profile"},
    {"no-new-privs", 0, "", "set no_new_privs"},
    {"cap", 'c', "CAPABILITY", "a further capability", repeats},
    {"preserve-fds", 0, "N", "give the process the descriptors 3 to 2+N"},
    {"cgroup", 0, "[CONTROLLER:]PATH", "the cgroup below the container's to run in", repeats},
    {"ignore-paused", 0, "", "allow it in a paused container"},
};
constexpr Option kill_options[] = {
    {"all", 'a', "", "signal every process of the container", once, hidden},
    {"regex", 0, "", "CONTAINER-ID is a regular expression that may match several"},
};
constexpr Option delete_options[] = {
    {"force", 'f', "", "kill the container first; no error when there is none"},
    {"regex", 0, "", "CONTAINER-ID is a regular expression that may match several"},
};
constexpr Option list_options[] = {
    {"format", 'f', "table|json", "how to print (table)"},
    {"quiet", 'q', "", "print only the ids"},
};
constexpr Option ps_options[] = {
    {"format", 'f', "table|json", "a table made by ps(1), or the process ids as JSON (table)"},
};
constexpr Option events_options[] = {
    {"interval", 0, "DURATION", "the time between two statistics (5s)"},
    {"stats", 0, "", "print the statistics once"},
};
constexpr Option policy_options[] = {
    {"format", 'f', "text|json", "how to print (text)"},
};
constexpr Option spec_options[] = {
    {"bundle", 'b', "DIR", "the folder to write config.json to (the current one)"},
    {"rootless", 0, "", "a configuration for a user who is not root"},
};
constexpr Option update_options[] = {
    {"resources", 'r', "FILE", "a JSON file with the resources, \"-\" for standard input"},
    {"blkio-weight", 0, "N", "the weight of block i/o, 10 to 1000"},
    {"cpu-period", 0, "MICROSECONDS", "the period of the cpu quota"},
    {"cpu-quota", 0, "MICROSECONDS", "the cpu time per period; -1: no limit"},
    {"cpu-burst", 0, "MICROSECONDS", "the unused quota that may be saved up"},
    {"cpu-share", 0, "N", "the cpu shares relative to other containers"},
    {"cpu-rt-period", 0, "MICROSECONDS", "the period of the real-time runtime"},
    {"cpu-rt-runtime", 0, "MICROSECONDS", "the real-time cpu time per period"},
    {"cpuset-cpus", 0, "LIST", "the cpus to run on: 0-3,7"},
    {"cpuset-mems", 0, "LIST", "the memory nodes to use"},
    {"cpu-idle", 0, "0|1", "1: run only when cpus are idle"},
    {"memory", 0, "BYTES", "the memory limit, with a unit as in 512M; -1: none"},
    {"memory-reservation", 0, "BYTES", "the memory to keep when it is short on the host"},
    {"memory-swap", 0, "BYTES", "the limit of memory and swap together; -1: none"},
    {"pids-limit", 0, "N", "the number of processes and threads; -1: no limit"},
    {"l3-cache-schema", 0, "SCHEMA", "the resctrl schema of the L3 cache"},
    {"mem-bw-schema", 0, "SCHEMA", "the resctrl schema of the memory bandwidth"},
    {"kernel-memory", 0, "BYTES", "obsolete, without effect", once, hidden},
    {"kernel-memory-tcp", 0, "BYTES", "obsolete, without effect", once, hidden},
};
constexpr Option egress_options[] = {
    {"json", 0, "", "of show: print JSON"},
};
constexpr Option seccomp_options[] = {
    {"arch", 0, "x86_64|x86|x32|aarch64|arm|riscv64", "the architecture of the calls (this machine's)"},
    {"json", 0, "", "print JSON; of show, an object for linux.seccomp"},
    {"bpf", 0, "", "of show: print the compiled instructions, 8 bytes each"},
};
constexpr Option checkpoint_options[] = {
    {"image-path", 0, "DIR", "where the checkpoint is written (./checkpoint)"},
    {"work-path", 0, "DIR", "where criu works and logs (the same)"},
    {"parent-path", 0, "DIR", "an earlier --pre-dump, relative to the image path: only what has changed is written"},
    {"leave-running", 0, "", "let the container go on; otherwise it ends and is deleted"},
    {"tcp-established", 0, "", "save open TCP connections"},
    {"tcp-skip-in-flight", 0, "", "leave out connections that are only being opened"},
    {"tcp-close", 0, "", "save TCP connections as closed"},
    {"link-remap", 0, "", "save deleted files that are open under new names"},
    {"ext-unix-sk", 0, "", "allow unix sockets that are connected to the host"},
    {"shell-job", 0, "", "allow a terminal and a session from outside"},
    {"lazy-pages", 0, "", "keep the memory and serve it to criu lazy-pages(8)"},
    {"status-fd", 0, "FD", "a descriptor that gets a zero byte when --lazy-pages serves"},
    {"page-server", 0, "ADDRESS:PORT", "send the memory to criu page-server(8); of --lazy-pages, where to serve"},
    {"file-locks", 0, "", "save file locks"},
    {"pre-dump", 0, "", "save only the memory and let the container go on, for a later --parent-path"},
    {"manage-cgroups-mode", 0, "soft|full|strict|ignore", "how cgroups below the container's are saved (soft)"},
    {"empty-ns", 0, "network", "without effect: network devices are never saved", repeats},
    {"auto-dedup", 0, "", "punch out of the parent's memory what this one has anew"},
    {"network-lock", 0, "iptables|nftables|skip", "how connections are held back while the container stands still"},
};
constexpr Option restore_options[] = {
    {"bundle", 'b', "DIR", "the bundle's folder (the current one)"},
    {"console-socket", 0, "SOCKET", "the unix socket that is sent the terminal"},
    {"pid-file", 0, "FILE", "where to write the process id"},
    {"detach", 'd', "", "return when the container runs"},
    {"image-path", 0, "DIR", "where the checkpoint is (./checkpoint)"},
    {"work-path", 0, "DIR", "where criu works and logs (the same)"},
    {"tcp-established", 0, "", "restore open TCP connections"},
    {"tcp-close", 0, "", "restore TCP connections as closed"},
    {"ext-unix-sk", 0, "", "allow unix sockets that were connected to the host"},
    {"shell-job", 0, "", "allow a terminal and a session from outside"},
    {"lazy-pages", 0, "", "fetch the memory when it is used, from criu lazy-pages(8)"},
    {"file-locks", 0, "", "restore file locks"},
    {"manage-cgroups-mode", 0, "soft|full|strict|ignore", "how cgroups below the container's are restored (soft)"},
    {"empty-ns", 0, "network", "without effect: network devices are never restored", repeats},
    {"auto-dedup", 0, "", "punch the memory that is restored out of the checkpoint"},
    {"lsm-profile", 0, "TYPE:NAME", "the apparmor or selinux profile, instead of the one that was saved"},
    {"lsm-mount-context", 0, "CONTEXT", "the SELinux context of mounts that have one"},
    {"network-lock", 0, "iptables|nftables|skip", "how connections were held back"},
    {"no-subreaper", 0, "", "do not adopt the orphans of the container"},
    {"no-pivot", 0, "", "without effect: criu has its own way into the root file system"},
};

constexpr Command table[] = {
    {.name = "create",
     .arguments = "CONTAINER-ID",
     .summary = "create a container from a bundle",
     .description = "Sets up the container that the bundle's config.json describes and leaves its process waiting; "
                    "start(8) lets it run the user's command. The standard streams are the container's.",
     .options = create_options,
     .run = create},
    {.name = "start",
     .arguments = "CONTAINER-ID",
     .summary = "run the command of a created container",
     .description = "Lets the waiting process of a created container run its command, and returns.",
     .run = start},
    {.name = "run",
     .arguments = "CONTAINER-ID",
     .summary = "create and start a container",
     .description = "Creates the container, starts it, forwards signals to it, waits for its end and deletes it. The "
                    "exit status is the command's, or 128 and the number of the signal that ended it.",
     .options = run_options,
     .run = run},
    {.name = "exec",
     .arguments = "CONTAINER-ID [COMMAND [ARGUMENT...]]",
     .summary = "run another command in a container",
     .description = "Runs a command in a running container, under the same confinement as its first process. The exit "
                    "status is the command's; 255 when it could not be run.",
     .options = exec_options,
     .max_arguments = any_number,
     .stops_at_first_argument = true,
     .failure_status = 255,
     .run = exec},
    {.name = "kill",
     .arguments = "CONTAINER-ID [SIGNAL]",
     .summary = "send a signal to a container",
     .description =
         "Sends the signal to the container's first process: a number or a name, with or without SIG, in any "
         "case. Without one it is SIGTERM.",
     .options = kill_options,
     .max_arguments = 2,
     .stops_at_first_argument = true,
     .run = kill},
    {.name = "delete",
     .arguments = "CONTAINER-ID",
     .summary = "remove a container",
     .description = "Removes what is left of a stopped container, or a created one: its cgroup and its state. Runs the "
                    "poststop hooks.",
     .options = delete_options,
     .run = delete_},
    {.name = "state",
     .arguments = "CONTAINER-ID",
     .summary = "print the state of a container",
     .description =
         "Prints the state as JSON: ociVersion, id, pid, status, bundle, rootfs, created, annotations, owner.",
     .run = state},
    {.name = "list",
     .arguments = "",
     .summary = "list the containers",
     .description = "Lists the containers below the state root.",
     .options = list_options,
     .min_arguments = 0,
     .max_arguments = 0,
     .run = list},
    {.name = "ps",
     .arguments = "CONTAINER-ID [PS-ARGUMENT...]",
     .summary = "list the processes of a container",
     .description =
         "Runs ps(1) of the host with the arguments given (-ef) and prints the lines of processes that are in "
         "the container.",
     .options = ps_options,
     .max_arguments = any_number,
     .stops_at_first_argument = true,
     .run = ps},
    {.name = "pause",
     .arguments = "CONTAINER-ID",
     .summary = "freeze every process of a container",
     .description = "Freezes the container's cgroup.",
     .run = pause},
    {.name = "resume",
     .arguments = "CONTAINER-ID",
     .summary = "let a paused container go on",
     .description = "Thaws the container's cgroup.",
     .run = resume},
    {.name = "update",
     .arguments = "CONTAINER-ID",
     .summary = "change the limits of a container",
     .description =
         "Changes the resource limits that are named and keeps the others. Where one cannot be set, those set "
         "before it are put back.",
     .options = update_options,
     .run = update},
    {.name = "events",
     .arguments = "CONTAINER-ID",
     .summary = "print statistics and out-of-memory events",
     .description = "Prints one line of JSON for each event until the container stops.",
     .options = events_options,
     .run = events},
    {.name = "egress",
     .arguments = "show CONTAINER-ID | set CONTAINER-ID FILE",
     .summary = "show or change what may leave a container",
     .description =
         "Prints the egress rules of a container and how often each has decided, or puts other ones in their place: FILE "
         "(\"-\": standard input) holds the egress object of a policy. The change is one transaction; open connections "
         "that the new rules refuse are cut. Without \"ingress\" in FILE the container's stays.",
     .options = egress_options,
     .min_arguments = 2,
     .max_arguments = 3,
     .run = egress},
    {.name = "why",
     .arguments = "CONTAINER-ID connect|open|exec|capability WHAT",
     .summary = "say whether a container may do something, and which rule says so",
     .description = "Answers from what is in force for the container: its packet filter, its mount table, its capability sets. "
                    "Nothing is sent, opened or run. WHAT is [tcp/|udp/]ADDRESS:PORT, a path in the container or CAP_NAME. A refusal names the key of the policy, or what of config.json, is the reason.",
     .min_arguments = 3,
     .max_arguments = 3,
     .run = why},
    {.name = "seccomp",
     .arguments = "list | show PROFILE | test PROFILE SYSCALL [ARGUMENT...]",
     .summary = "look into seccomp profiles",
     .description =
         "Lists the built-in profiles, prints the rules of one, or says what one answers to a system call, and which "
         "rule says so; no kernel is asked. PROFILE is a built-in name, or a file (a path with a slash) with a "
         "linux.seccomp object. SYSCALL is a name, a number or a range of numbers as 0-600. ARGUMENTs are numbers, 0x "
         "hexadecimal; those below zero follow \"--\".",
     .options = seccomp_options,
     .max_arguments = 9,
     .run = seccomp},
    {.name = "policy",
     .arguments = "list | show [NAME] | explain [BUNDLE|NAME|FILE] | check FILE",
     .summary = "list, show, explain and check policies",
     .description = "A policy says what is added to a bundle's configuration and what of it is refused. list: those there "
                    "are, built-in and installed in /etc/agentsafe/policies. show: every key of one, with where its value "
                    "comes from. explain: what one does to a bundle, or says by itself. check: whether a file is a policy that this version can enforce.",
     .options = policy_options,
     .max_arguments = 2,
     .run = policy},
    {.name = "spec",
     .arguments = "",
     .summary = "write a config.json to begin with",
     .description = "Writes a config.json that runs sh in a folder rootfs.",
     .options = spec_options,
     .min_arguments = 0,
     .max_arguments = 0,
     .run = spec},
    {.name = "features",
     .arguments = "",
     .summary = "print what this runtime can do",
     .description = "Prints the features document of the OCI runtime specification (features.md) as JSON.",
     .min_arguments = 0,
     .max_arguments = 0,
     .run = features},
    {.name = "checkpoint",
     .arguments = "CONTAINER-ID",
     .summary = "save a running container to files",
     .description = "Has criu(8) write the container's processes, memory, open files and sockets to files, from which "
                    "restore makes it again, here or on a host like this one. Its root file system and what is mounted from outside are "
                    "not saved. Settings for criu are read from the file that the annotation org.criu.config names, or "
                    "/etc/criu/agentsafe.conf, or /etc/criu/runc.conf.",
     .options = checkpoint_options,
     .run = checkpoint},
    {.name = "restore",
     .arguments = "CONTAINER-ID",
     .summary = "make a container again from a checkpoint",
     .description = "Has criu(8) make the processes that checkpoint has saved, in a new container from the same bundle under the same "
                    "policy; they go on where they were, once limits and egress rules are in force. prestart and "
                    "createRuntime hooks run as for create. Otherwise as run.",
     .options = restore_options,
     .run = restore},
};

}  // namespace

std::span<const Command> commands() { return table; }

const Command* find_command(std::string_view name) {
  const auto found =
      std::find_if(std::begin(table), std::end(table), [&](const auto& row) { return row.name == name; });
  return found != std::end(table) ? found : nullptr;
}

std::span<const Option> global_options() { return program_options; }

}  // namespace agentsafe::cli
