#!/bin/bash
# Ordinary work of agents under the policy strict, and the same under runc: what works under runc must work under us.
# Each workload is a function of workloads.sh, run by a shell in a container whose root has the host's programs; local
# servers in a network namespace of the suite's stand for registries, at an address that the policy names.
#
#   tests/compat/run.sh                   the light ones; ends with "compat: N passed, N failed, N skipped"
#   tests/compat/run.sh --full            all of them (packages-full.txt)
#   tests/compat/run.sh --full gdb java   only those whose names contain one of the words
#   TABLE=contrib/COMPATIBILITY.md tests/compat/run.sh --full     writes the table, too
#   RUNTIME=/path/agentsafe REFERENCE=/usr/sbin/runc KEEP=1
set -u
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
top=$(cd "$here/../.." && pwd)
RUNTIME=${RUNTIME:-${BUILD:-$top/build}/agentsafe}
REFERENCE=${REFERENCE:-$(command -v runc)}
export SERVER=10.77.0.1
passed=0 failed=0 skipped=0 rows=''

finish() {
  local pid
  for pid in $(cat "$work"/*.pid 2>/dev/null); do kill "$pid" 2>/dev/null; done
  wait
  ip netns delete "$net-in" 2>/dev/null
  ip netns delete "$net-out" 2>/dev/null
  if [ -n "${KEEP:-}" ]; then echo "files: $work"; else rm -rf "$work"; fi
}

# Two namespaces and a wire: containers join NAME-in, servers listen in NAME-out.
make_network() {
  ip netns add "$net-in" && ip netns add "$net-out" || exit 2
  ip -n "$net-in" link add eth0 type veth peer name eth0 netns "$net-out"
  ip -n "$net-in" address add 10.77.0.2/24 dev eth0
  ip -n "$net-out" address add $SERVER/24 dev eth0
  local ns
  for ns in in out; do
    ip -n "$net-$ns" link set lo up
    ip -n "$net-$ns" link set eth0 up
  done
}

# The host's programs, but files of its own in /etc and /var.
make_root() {
  local root=$work/rootfs dir
  mkdir -p "$root"/{dev,proc,sys,run,tmp,usr,root,home/user,workspace} "$root"/var/{tmp,cache/apt,log,lib/apt/lists}
  chmod 1777 "$root/tmp" "$root/var/tmp"
  chown 1000:1000 "$root/home/user"
  for dir in bin sbin lib lib64; do [ ! -L /$dir ] || ln -s "usr/$dir" "$root/$dir"; done
  cp -a /etc "$root/etc"
  rm -rf "$root"/etc/{resolv.conf,apt/sources.list,apt/sources.list.d,apt/apt.conf.d,agentsafe}
  mkdir -p "$root"/etc/apt/{sources.list.d,apt.conf.d}
  printf 'root:x:0:0:root:/root:/bin/bash\nuser:x:1000:1000:user:/home/user:/bin/bash\n_apt:x:42:65534::/nonexistent:/bin/false\n' >"$root/etc/passwd"
  printf '127.0.0.1 localhost\n%s server.test\n' "$SERVER" >"$root/etc/hosts"
  cp -a /var/lib/dpkg "$root/var/lib/dpkg"
  cp "$here/workloads.sh" "$root/workloads.sh"
}

# bundle DIR COMMAND ROOT: what Docker sends, with the host's /usr and the server's files.
bundle() {
  mkdir -p "$1"
  jq -n --arg root "$3" --arg net "/run/netns/$net-in" --arg cmd "$2" --arg group "/compat-${work##*.}" '
    ["CHOWN","DAC_OVERRIDE","FSETID","FOWNER","MKNOD","NET_RAW","SETGID","SETUID","SETFCAP","SETPCAP","NET_BIND_SERVICE","SYS_CHROOT","KILL","AUDIT_WRITE"] as $docker
    | ($docker | map("CAP_" + .)) as $caps
    | {ociVersion: "1.0.2", hostname: "work", root: {path: $root},
      process: {user: {uid: 0, gid: 0}, cwd: "/workspace", args: ["bash", "-c", ". /workloads.sh && \($cmd)"],
        env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "TERM=xterm", "SERVER=server.test"],
        capabilities: {bounding: $caps, effective: $caps, permitted: $caps}},
      mounts: [
        {destination: "/proc", type: "proc", source: "proc", options: ["nosuid","noexec","nodev"]},
        {destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid","strictatime","mode=755","size=65536k"]},
        {destination: "/dev/pts", type: "devpts", source: "devpts", options: ["nosuid","noexec","newinstance","ptmxmode=0666","mode=0620","gid=5"]},
        {destination: "/dev/shm", type: "tmpfs", source: "shm", options: ["nosuid","noexec","nodev","mode=1777","size=1g"]},
        {destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid","noexec","nodev"]},
        {destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid","noexec","nodev","ro"]},
        {destination: "/usr", type: "bind", source: "/usr", options: ["rbind","ro"]}],
      linux: {cgroupsPath: $group,
        namespaces: [{type: "pid"}, {type: "ipc"}, {type: "uts"}, {type: "mount"}, {type: "network", path: $net}],
        maskedPaths: ["/proc/kcore","/proc/keys","/proc/timer_list","/sys/firmware"],
        readonlyPaths: ["/proc/bus","/proc/fs","/proc/irq","/proc/sys","/proc/sysrq-trigger"]}}' >"$1/config.json"
}

# policy NAME MORE: strict, but that the server may be reached.
policy() {
  jq -n --arg to "$SERVER:*" --argjson more "$2" \
    '{version: 1, extends: "strict", egress: {mode: "strict", internal: [$to]}} * $more' >"$work/$1.json"
  chmod 644 "$work/$1.json"
}

# under runc|agentsafe NAME POLICY: 0 passed, 77 skipped; its output in $work/NAME.RUNTIME.
under() {
  local runtime=$1 name=$2 command=("$REFERENCE" --root "$work/state-runc")
  # runc writes into its root: a layer takes that, so that both begin with the same files
  if [ "$runtime" = runc ]; then
    mount -t tmpfs tmpfs "$work/layer" && mkdir "$work/layer/upper" "$work/layer/work" &&
      mount -t overlay -o "lowerdir=$work/rootfs,upperdir=$work/layer/upper,workdir=$work/layer/work" overlay "$work/merged" || exit 2
  fi
  [ "$runtime" = runc ] || command=("$RUNTIME" --root "$work/state-us" --policy "$work/$3.json")
  timeout "${TIMEOUT:-240}" "${command[@]}" run --bundle "$work/bundle-$name" "compat-$name" </dev/null >"$work/$name.$runtime" 2>&1
  local status=$?
  "${command[@]}" delete --force "compat-$name" >/dev/null 2>&1
  [ "$runtime" != runc ] || umount -l "$work/merged" "$work/layer"
  return $status
}

run_one() { # NAME POLICY WHAT
  local name=$1 ours reference began=$SECONDS verdict
  bundle "$work/bundle-$name" "work_$name" "$work/merged"
  under runc "$name" "$2"; reference=$?
  bundle "$work/bundle-$name" "work_$name" "$work/rootfs"
  under agentsafe "$name" "$2"; ours=$?
  case $reference,$ours in
    77,*) skipped=$((skipped + 1)) verdict=skipped; tail -n 1 "$work/$name.runc" ;;
    *,0) passed=$((passed + 1)) verdict=works ;;
    0,*) failed=$((failed + 1)) verdict='**breaks**'; sed 's/^/    /' "$work/$name.agentsafe" | tail -n 30 ;;
    *) skipped=$((skipped + 1)) verdict='fails under runc, too'; sed 's/^/    /' "$work/$name.runc" | tail -n 15 ;;
  esac
  echo "$verdict: $name ($((SECONDS - began)) s)"
  rows+="| $3 | $2 | $([ $reference = 0 ] && echo works || echo "fails ($reference)") | $verdict |"$'\n'
}

write_table() {
  cat >"$1" <<MD
# Ordinary work under the policy strict
Made by \`TABLE=contrib/COMPATIBILITY.md tests/compat/run.sh --full\` on $(. /etc/os-release; echo "$PRETTY_NAME"), Linux $(uname -r | cut -d- -f1), with
$("$REFERENCE" --version | head -n 1). Each line ran twice in the same root file system: under runc with Docker's capabilities, and
under agentsafe with \`strict\`, or what the second column names; registries are servers at an address in \`egress.internal\`.
The policies are \`strict\` with another seccomp profile and, for browsers, 2048 processes and 1G of /dev/shm.

| Work | Policy | runc | agentsafe |
|---|---|---|---|
$rows
That chromium's own sandbox is on, its control shows: under \`agent-default\`, which lets no user namespaces be made, it ends
with "No usable sandbox".
MD
}

# Network namespaces are mounts: those of the suite are not seen on the host.
[ -n "${COMPAT_INSIDE:-}" ] || COMPAT_INSIDE=1 exec unshare --mount --propagation private "${BASH_SOURCE[0]}" "$@"
full='' words=()
for word in "$@"; do case $word in
  --full) full=yes ;;
  -h | --help) sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 0 ;;
  *) words+=("$word") ;;
esac; done
[ "$(id -u)" = 0 ] && [ -x "$RUNTIME" ] && [ -x "$REFERENCE" ] || { echo "compat: needs root, agentsafe and runc" >&2; exit 2; }
. "$top/contrib/packages.sh"
install_packages jq iproute2 openssl >/dev/null || exit 2
while read -r package; do  # one by one: a workload whose program is missing is skipped, and says so
  install_packages "$package" >/dev/null 2>&1 || echo "not installed: $package"
done <"$here/packages${full:+-full}.txt"

work=$(mktemp -d "${TMPDIR:-/var/tmp}/agentsafe-compat.XXXXXX")
chmod 755 "$work"
mkdir "$work/layer" "$work/merged"
net=compat-${work##*.}
trap 'exit 130' INT TERM
trap finish EXIT
make_network
make_root
. "$here/servers.sh"
start_servers || exit 2
echo "REPOSITORY=$work/www/repo.git" >"$work/rootfs/etc/compat"
policy strict '{}'
policy agent-build '{"process": {"seccomp": "agent-build"}, "limits": {"pids": 2048}}'
policy agent-browser '{"process": {"seccomp": "agent-browser"}, "limits": {"pids": 2048, "shm": "1G"}}'

while IFS='|' read -r size name with what; do
  [ "$size" = light ] || [ -n "$full" ] || continue
  if [ ${#words[@]} -gt 0 ] && ! printf '%s\n' "${words[@]}" | grep -qF "$name"; then continue; fi
  run_one "$name" "$with" "$what"
done <"$here/list.txt"
[ -z "${TABLE:-}" ] || write_table "$TABLE"
echo "compat: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
