# What every integration test starts from: a private bundle of busybox, a private state root, and a teardown that
# demands that nothing is left. The runtime under test is $RUNTIME (agentsafe of the build folder unless told), called
# with $RUNTIME_FLAGS. Proofs are taken from the host wherever they can be.
#
#   @test "state shows a created container" {
#     script 'exit 3'; create
#     [ "$(status)" = created ]
#   }
# shellcheck disable=SC2034,SC2016,SC2119,SC2120 # used by the test files; jq programs; optional arguments
bats_require_minimum_version 1.5.0

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
TOOLS=$TOP/tests/integration
BUILD=${BUILD:-$TOP/build}
RUNTIME=${RUNTIME:-$BUILD/agentsafe}
PYTHON=${PYTHON:-/usr/bin/python3}
ROUNDS=${AGENTSAFE_ROUNDS:-500}

is_agentsafe() { case $(basename "$RUNTIME") in agentsafe*) true ;; *) false ;; esac; }
is_crun() { [ "$(basename "$RUNTIME")" = crun ]; }
is_runc() { [ "$(basename "$RUNTIME")" = runc ]; }
if is_agentsafe; then RUNTIME_FLAGS=${RUNTIME_FLAGS---policy oci}; else RUNTIME_FLAGS=${RUNTIME_FLAGS-}; fi

# --- the host -------------------------------------------------------------------------------------------------------
on_cgroup_v2() { [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]; }
has_capability() { # CAP_NAME BIT
  local mask
  mask=$(awk '/^CapBnd/ {print $2}' /proc/self/status)
  (( (0x$mask >> $1) & 1 ))
}
require_sys_resource() { has_capability 24 || skip "the host lacks CAP_SYS_RESOURCE"; }
require_v1() { ! on_cgroup_v2 || skip "the host has pure cgroup v2"; }
require_v2() { on_cgroup_v2 || skip "the host has cgroup v1 controllers"; }
require_v1_controller() { require_v1; [ -d "/sys/fs/cgroup/$1" ] || skip "the host lacks the cgroup v1 controller $1"; }
require_v2_controller() {
  require_v2
  grep -qw "$1" /sys/fs/cgroup/cgroup.controllers || skip "the host lacks the cgroup v2 controller $1"
}
kernel_at_least() { printf '%s\n%s\n' "$1" "$(uname -r)" | sort -CV; }
require_kernel() { kernel_at_least "$1" || skip "needs Linux $1"; }

# --- a bundle -------------------------------------------------------------------------------------------------------
probe_binary() {
  if [ -n "${PROBE:-}" ]; then
    echo "$PROBE"
    return
  fi
  [ -x "$BATS_RUN_TMPDIR/probe" ] || gcc -static -O1 -o "$BATS_RUN_TMPDIR/probe" "$TOOLS/probe.c"
  echo "$BATS_RUN_TMPDIR/probe"
}

# The root file system is made once per run. Each bundle has hard links to its programs, and files of its own in /etc.
rootfs_template() {
  local dir=$BATS_RUN_TMPDIR/rootfs applet
  if [ ! -d "$dir" ]; then
    mkdir -p "$dir.new"/{bin,dev,etc,home/user,lib,proc,root,run,sbin,sys,tmp,usr/bin,var}
    cp "$(command -v busybox)" "$dir.new/bin/busybox"
    cp "$(probe_binary)" "$dir.new/bin/probe"
    for applet in $("$dir.new/bin/busybox" --list); do
      [ "$applet" = busybox ] || ln -s busybox "$dir.new/bin/$applet"
    done
    printf 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home/user:/bin/sh\n' >"$dir.new/etc/passwd"
    printf 'root:x:0:\nuser:x:1000:\nextra:x:2000:user\n' >"$dir.new/etc/group"
    chmod 1777 "$dir.new/tmp"
    chown 1000:1000 "$dir.new/home/user"
    mv "$dir.new" "$dir"
  fi
  echo "$dir"
}

base_config() {
  cat <<'JSON'
{
  "ociVersion": "1.0.2",
  "process": {
    "terminal": false,
    "user": {"uid": 0, "gid": 0},
    "args": ["sleep", "1000"],
    "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
    "cwd": "/",
    "capabilities": {},
    "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
    "noNewPrivileges": true
  },
  "root": {"path": "rootfs", "readonly": false},
  "hostname": "tested",
  "mounts": [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
     "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
    {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
     "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
    {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
     "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
    {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", "options": ["nosuid", "noexec", "nodev"]},
    {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]}
  ],
  "linux": {
    "namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}],
    "resources": {"devices": [{"allow": false, "access": "rwm"}]},
    "maskedPaths": ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware", "/proc/scsi"],
    "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
  }
}
JSON
}

DEFAULT_CAPABILITIES='["CAP_CHOWN","CAP_DAC_OVERRIDE","CAP_FSETID","CAP_FOWNER","CAP_MKNOD","CAP_NET_RAW","CAP_SETGID",
"CAP_SETUID","CAP_SETFCAP","CAP_SETPCAP","CAP_NET_BIND_SERVICE","CAP_SYS_CHROOT","CAP_KILL","CAP_AUDIT_WRITE"]'

setup_bundle() {
  WORK=$(mktemp -d "${TMPDIR:-/tmp}/agentsafe-test.XXXXXX")
  CID=at-${WORK##*.}
  ROOT=$WORK/root
  new_bundle "$WORK/bundle" "$CID"
  BUNDLE=$WORK/bundle
  ROOTFS=$BUNDLE/rootfs
  CONFIG=$BUNDLE/config.json
  chmod 0711 "$WORK" "$BUNDLE"
  watch_over
}

# new_bundle DIR ID: another bundle, whose cgroup is /ID.
new_bundle() {
  mkdir -p "$1"
  local template
  template=$(rootfs_template)
  cp -al "$template" "$1/rootfs" 2>/dev/null || cp -a "$template/." "$1/rootfs"
  rm -r "$1/rootfs/etc"
  cp -a "$template/etc" "$1/rootfs/etc"
  base_config | jq --arg c "/$2" --argjson caps "$DEFAULT_CAPABILITIES" '
    .linux.cgroupsPath = $c | .process.env += ["AGENTSAFE_TEST=" + ($c | ltrimstr("/"))]
    | .process.capabilities = {bounding: $caps, effective: $caps, permitted: $caps}' >"$1/config.json"
}

setup() { setup_bundle; }
# What hangs for a minute is killed, so that its test fails and the rest goes on.
watch_over() {
  (
    for _ in $(seq "${AGENTSAFE_TEST_SECONDS:-60}"); do
      sleep 1
      [ -d "$WORK" ] || exit 0
    done
    echo "test ran into its time limit" >>"$WORK/timeout"
    for pid in $(processes_of_test | sort -u); do kill -KILL "$pid" 2>/dev/null; done
  ) </dev/null >/dev/null 2>&1 3>&- 4>&- &
  disown
}
teardown() { finish; }

# edit FILTER [JQ ARGUMENTS…]: changes config.json.
edit() {
  local filter=$1
  shift
  jq "$filter" "$CONFIG" "$@" >"$CONFIG.new" && mv "$CONFIG.new" "$CONFIG"
}
# script TEXT [FILTER [JQ ARGUMENTS…]]: the container runs sh -c TEXT.
script() {
  local text=$1 filter=${2:-.}
  shift
  [ $# -eq 0 ] || shift
  edit '.process.args = ["sh", "-c", $text] | '"$filter" --arg text "$text" "$@"
}
# command_is WORD…: the container runs these words.
command_is() { # the x keeps jq 1.6 from taking words that begin with "-" for its own options
  edit '.process.args = ($ARGS.positional | map(.[1:]))' --args "${@/#/x}"
}

# --- the runtime ----------------------------------------------------------------------------------------------------
# Descriptors of bats are closed: they must neither leak into a container nor keep bats waiting for one.
rt() {
  # shellcheck disable=SC2086 # the flags are words
  "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS "$@" 3>&- 4>&-
}
# In the background, as a process of its own: $RUNNER. Its output goes to $WORK/out and $WORK/err.
spawn_rt() {
  # shellcheck disable=SC2086 # the flags are words
  "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS "$@" </dev/null >"$WORK/out" 2>"$WORK/err" 3>&- 4>&- &
  RUNNER=$!
  HELPERS="${HELPERS:-} $!"
}
# ends_with STATUS PID
ends_with() {
  local code=0
  wait "$2" || code=$?
  equal "$1" "$code"
}
# What ends up in $status, $output, $stderr, $lines and $stderr_lines. Through files: a container that outlives its
# runtime would keep the pipes of bats' own run open.
run_rt() {
  status=0
  rt "$@" </dev/null >"$WORK/run.out" 2>"$WORK/run.err" || status=$?
  { output=$(cat "$WORK/run.out"); stderr=$(cat "$WORK/run.err"); } 2>/dev/null
  mapfile -t lines < <(grep . "$WORK/run.out")
  mapfile -t stderr_lines < <(grep . "$WORK/run.err")
}
# Foreground run of the bundle: $status, $output, $stderr.
run_bundle() { run_rt run --bundle "$BUNDLE" "$@" "$CID"; }
# Detached: the container's output goes to $WORK/out and $WORK/err.
create() { rt create --bundle "$BUNDLE" --pid-file "$WORK/pid" "$@" "$CID" </dev/null >"$WORK/out" 2>"$WORK/err" || why; }
start() { rt start "$CID" </dev/null >"$WORK/start.out" 2>&1 || { cat "$WORK/start.out" >&2; return 1; }; }
launch() { rt run --detach --bundle "$BUNDLE" --pid-file "$WORK/pid" "$@" "$CID" </dev/null >"$WORK/out" 2>"$WORK/err" || why; }
why() { cat "$WORK/err" >&2; return 1; }
in_container() { run_rt exec "$CID" "$@"; }
pid_of() { cat "${1:-$WORK/pid}"; }
state_of() { rt state "${1:-$CID}"; }
status() { state_of "${1:-$CID}" | jq -r .status; }
# rewrite_state FILTER [JQ ARGUMENTS…]: changes the record of $CID as one who knows its checksum (FNV-1a of the other members).
rewrite_state() {
  local filter=$1 file=$ROOT/$CID/state.json
  shift
  jq -c "del(.checksum) | $filter" "$file" "$@" | "$PYTHON" -c '
import functools, sys
text = sys.stdin.buffer.read().strip()[1:]
hash = functools.reduce(lambda value, byte: (value ^ byte) * 0x100000001b3 % 2**64, text, 0xcbf29ce484222325)
sys.stdout.buffer.write(b"{\"checksum\":\"%016x\"," % hash + text)' >"$file.new"
  mv "$file.new" "$file"
}
out() { cat "$WORK/out"; }
err() { cat "$WORK/err"; }

# occupy CGROUP: puts a process of ours there, until vacate
occupy() {
  sleep 50 3>&- 4>&- &
  OCCUPANT=$!
  HELPERS="${HELPERS:-} $OCCUPANT"
  echo "$OCCUPANT" >"$1/cgroup.procs"
}
vacate() {
  kill "$OCCUPANT"
  wait "$OCCUPANT" || :
}

# eventually COMMAND…: true within five seconds, or fails.
eventually() {
  local _
  for _ in $(seq 250); do
    "$@" && return 0
    sleep 0.02
  done
  echo "never came true: $*" >&2
  return 1
}
is_status() { [ "$(status 2>/dev/null)" = "$1" ]; }
await_status() { eventually is_status "$1"; }
file_says() { grep -q -- "$2" "$1" 2>/dev/null; }
await_line() { eventually file_says "${2:-$WORK/out}" "$1"; }
gone() { ! kill -0 "$1" 2>/dev/null || grep -q '^State:.*Z' "/proc/$1/status" 2>/dev/null; }

# --- judgements -----------------------------------------------------------------------------------------------------
show() { printf 'status=%s\nstdout: %s\nstderr: %s\n' "${status:-}" "${output:-}" "${stderr:-}" >&2; }
succeeded() { [ "$status" -eq 0 ] || { show; return 1; }; }
failed() { # [EXIT CODE]
  if [ $# -eq 0 ]; then [ "$status" -ne 0 ] || { show; return 1; }
  else [ "$status" -eq "$1" ] || { show; return 1; }; fi
}
says() { [[ "$output" == *"$1"* ]] || { echo "expected in output: $1" >&2; show; return 1; }; }
is() { [ "$output" = "$1" ] || { echo "expected: $1" >&2; show; return 1; }; }
silent() { [ -z "$output" ] || { show; return 1; }; }
complains() { [[ "$stderr" == *"$1"* ]] || { echo "expected in stderr: $1" >&2; show; return 1; }; }
# "! command" in a test fails nothing: bash -e does not look at it.
not() { ! "$@"; }
equal() { [ "$1" = "$2" ] || { printf 'expected: %s\nfound:    %s\n' "$1" "$2" >&2; return 1; }; }
# A refusal is one line, and the words that callers turn into "your command was not found" are not in it.
refuses_briefly() {
  failed 1 || return
  [ "$(printf '%s\n' "$stderr" | grep -c .)" -ge 1 ] || { echo "no error text" >&2; return 1; }
  if is_agentsafe; then
    [ "$(printf '%s\n' "$stderr" | grep -c .)" -eq 1 ] || { echo "more than one line" >&2; show; return 1; }
    [[ "$stderr" != *"o such file or directory"* ]] || { echo "ENOENT words" >&2; show; return 1; }
  fi
}
# A descriptor of another process lies on a mount of this one's mount namespace.
on_host_mount() { # PID FD
  local id
  id=$(awk '/^mnt_id/ {print $2}' "/proc/$1/fdinfo/$2")
  awk '{print $1}' /proc/self/mountinfo | grep -qx "$id"
}
namespace_of() { readlink "/proc/$1/ns/$2"; }
mount_line() { awk -v p="$2" '$5 == p' "/proc/$1/mountinfo" | tail -n 1; }

# --- cgroups --------------------------------------------------------------------------------------------------------
# cgroup_dir CONTROLLER [ID]: where the container's cgroup is.
cgroup_dir() {
  if on_cgroup_v2; then echo "/sys/fs/cgroup/${2:-$CID}"; else echo "/sys/fs/cgroup/$1/${2:-$CID}"; fi
}
cgroup_value() { cat "$(cgroup_dir "$1")/$2"; }
cgroups_named() { find /sys/fs/cgroup -type d -path "*/$1*" 2>/dev/null; }

# --- nothing is left ------------------------------------------------------------------------------------------------
processes_of_test() {
  grep -lzsE "^AGENTSAFE_TEST=${CID}" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3
  grep -lsF -- "$CID" /proc/[0-9]*/cgroup 2>/dev/null | cut -d/ -f3
  grep -lsF -- "$WORK" /proc/[0-9]*/cmdline 2>/dev/null | cut -d/ -f3
}
live_processes_of_test() {
  local pid
  for pid in $(processes_of_test | sort -u); do
    [[ " $$ $BASHPID ${HELPERS:-} " == *" $pid "* ]] || gone "$pid" || echo "$pid"
  done
}
nothing_runs() { [ -z "$(live_processes_of_test)" ]; }
no_cgroups() { [ -z "$(cgroups_named "$CID")" ]; }
leftovers() {
  eventually nothing_runs 2>/dev/null || {
    for pid in $(live_processes_of_test); do echo "process $pid: $(tr '\0' ' ' <"/proc/$pid/cmdline")"; done
  }
  grep -F "$WORK" /proc/self/mountinfo | sed 's/^/mount: /'
  eventually no_cgroups 2>/dev/null || cgroups_named "$CID" | sed 's/^/cgroup: /'
  [ ! -d "$ROOT" ] || find "$ROOT" -mindepth 1 -maxdepth 1 ! -name '.*' | sed 's/^/state: /'
}
no_leftovers() {
  local left
  left=$(leftovers)
  [ -z "$left" ] || { echo "$left" >&2; return 1; }
}
delete_all() {
  local dir
  [ -d "$ROOT" ] || return 0
  for dir in "$ROOT"/*/; do
    [ -d "$dir" ] || continue
    timeout 20 "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS delete --force "$(basename "$dir")" 3>&- 4>&- || :
  done
}
sweep() { # what a failed test may have left, by force
  local pid dir
  for pid in $(live_processes_of_test); do kill -KILL "$pid" 2>/dev/null || :; done
  eventually nothing_runs 2>/dev/null || :
  grep -F "$WORK" /proc/self/mountinfo | awk '{print $5}' | tac | while read -r dir; do umount -l "$dir" || :; done
  eventually sweep_cgroups || :
}
sweep_cgroups() {
  cgroups_named "$CID" | tac | xargs -r rmdir 2>/dev/null || :
  no_cgroups
}
finish() {
  local left pid
  for pid in ${HELPERS:-}; do kill "$pid" 2>/dev/null || :; done
  delete_all
  left=$(leftovers; cat "$WORK/timeout" 2>/dev/null)
  [ -z "$left" ] || sweep
  rm -rf --one-file-system "$WORK"
  [ -z "$left" ] || { echo "left behind: $left" >&2; return 1; }
}

# background COMMAND…: a helper process of the test, ended by teardown; its output goes to $WORK/NAME.
background() {
  local name=$1
  shift
  "$@" >"$WORK/$name" 2>&1 3>&- 4>&- </dev/null &
  HELPERS="${HELPERS:-} $!"
  HELPER=$!
}
