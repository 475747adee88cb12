load helpers

setup() {
  AGENTSAFE_TEST_SECONDS=${AGENTSAFE_TEST_SECONDS:-150} # criu is slow without KVM
  setup_bundle
  IMAGES=$WORK/images
}

# Asks criu itself, once per run.
require_criu() {
  local answer=$BATS_RUN_TMPDIR/criu
  command -v criu >/dev/null || skip "criu is not installed"
  if [ ! -e "$answer" ]; then
    if criu check >"$answer.log" 2>&1; then : >"$answer"; else grep -m 1 Error "$answer.log" >"$answer" || echo "criu check fails" >"$answer"; fi
  fi
  [ ! -s "$answer" ] || skip "criu cannot work on this kernel: $(cat "$answer")"
}
checkpoint() { run_rt checkpoint --image-path "$IMAGES" --work-path "$WORK/work" "$@" "$CID"; }
# Errors are in $WORK/log: standard error is the container's.
logged() {
  rm -f "$WORK/log"
  RUNTIME_FLAGS="$RUNTIME_FLAGS --log $WORK/log" rt "$@"
}
# criu restores pipes and terminals, not files of the host: the output goes through one to $WORK/out.
launch() {
  logged run --detach --bundle "$BUNDLE" --pid-file "$WORK/pid" "$@" "$CID" </dev/null > >(exec cat >"$WORK/out") 2>&1 ||
    { cat "$WORK/log" >&2; return 1; }
}
# The restored container's output goes to $WORK/out2.
restore() {
  status=0
  logged restore --detach --bundle "$BUNDLE" --image-path "$IMAGES" --work-path "$WORK/work" --pid-file "$WORK/pid" "$@" "$CID" \
    </dev/null > >(exec cat >"$WORK/out2") 2>&1 || status=$?
  output='' stderr=$(cat "$WORK/log")
}
counts() { script 'n=0; while :; do n=$((n + 1)); echo $n >>/tmp/count; echo line $n; usleep 100000; done' "$@"; }
# The file grows: one that is written anew may be saved while it is empty.
count() { tail -n 1 "$ROOTFS/tmp/count"; }
counted_past() { [ "$(count 2>/dev/null || echo 0)" -gt "$1" ] 2>/dev/null; }

# --- without criu ---------------------------------------------------------------------------------------------------
@test "checkpoint and restore explain themselves" {
  run_rt checkpoint --help
  succeeded
  run_rt restore --lsm-mount-context
  failed 1
  [[ "$stderr" == *"flag needs an argument"* || "$stderr" == *"requires an argument"* ]]
}

@test "without criu, checkpoint and restore say what to install" {
  is_agentsafe || skip "about agentsafe"
  command -v criu >/dev/null && skip "criu is installed"
  launch
  checkpoint
  refuses_briefly
  complains "install the package criu"
  restore
  refuses_briefly
  complains "install the package criu"
  equal running "$(status)"
  no_leftovers_of_restore
}
no_leftovers_of_restore() { [ ! -e "$IMAGES" ] || [ -z "$(ls -A "$IMAGES")" ]; }

@test "checkpoint refuses a created and a stopped container" {
  create
  checkpoint
  failed 1
  complains "cannot be checkpointed in created state"
  rt kill "$CID" KILL
  await_status stopped
  checkpoint
  failed 1
  complains "stopped state"
}

@test "checkpoint and restore of what is not there say so" {
  run_rt checkpoint --image-path "$IMAGES" missing
  failed 1
  complains "does not exist"
  command -v criu >/dev/null || skip "criu is not installed"
  mkdir "$IMAGES"
  restore
  failed 1
  no_leftovers
}

# --- with it --------------------------------------------------------------------------------------------------------
@test "a counting program goes on where it was" {
  require_criu
  counts
  launch
  eventually test -s "$ROOTFS/tmp/count"
  eventually counted_past 5
  checkpoint
  succeeded
  silent
  run_rt state "$CID"
  failed 1
  local before
  before=$(count)
  restore
  succeeded
  equal running "$(status)"
  equal "$(pid_of)" "$(state_of | jq .pid)"
  eventually counted_past "$before"
  await_line "^line $((before + 1))$" "$WORK/out2"
  not grep -qx "line $((before - 1))" "$WORK/out2"
}

@test "a checkpoint that leaves it running can be restored later, more than once" {
  require_criu
  counts
  launch
  eventually counted_past 2
  checkpoint --leave-running
  succeeded
  equal running "$(status)"
  local before
  before=$(count)
  eventually counted_past "$before"
  for _ in 1 2; do
    rt delete --force "$CID"
    restore
    succeeded
    equal running "$(status)"
  done
}

@test "exec, pause, update, kill and delete work on a restored container" {
  require_criu
  counts '.linux.resources.memory = {"limit": 67108864}'
  launch
  eventually counted_past 2
  checkpoint
  restore
  succeeded
  in_container sh -c 'hostname; cat /proc/1/comm; id -u'
  succeeded
  is "$(printf 'tested\nsh\n0')"
  equal "$(namespace_of "$(pid_of)" time)" "$(rt exec "$CID" readlink /proc/self/ns/time)"
  rt pause "$CID"
  equal paused "$(status)"
  rt resume "$CID"
  rt update --memory 48M "$CID"
  if on_cgroup_v2; then equal 50331648 "$(cgroup_value memory memory.max)"; fi
  rt kill "$CID" KILL
  await_status stopped
  rt delete "$CID"
  no_leftovers
}

@test "limits are those of the bundle, and in force" {
  require_criu
  require_v2
  counts '.linux.resources.memory = {"limit": 67108864} | .linux.resources.pids = {"limit": 7}
    | .linux.resources.cpu = {"quota": 50000, "period": 100000}'
  launch
  eventually counted_past 2
  checkpoint
  succeeded
  restore
  succeeded
  equal 67108864 "$(cgroup_value memory memory.max)"
  equal 7 "$(cgroup_value pids pids.max)"
  equal "50000 100000" "$(cgroup_value cpu cpu.max)"
  grep -qx "$(pid_of)" "$(cgroup_dir memory)/cgroup.procs"
}

@test "confinement and mounts are as before" {
  require_criu
  counts '.mounts += [{"destination": "/data", "type": "bind", "source": $d, "options": ["bind", "ro"]}]
    | .linux.namespaces += [{"type": "cgroup"}] | .root.readonly = true
    | .mounts += [{"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["ro"]},
                  {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"}]
    | .linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}' \
    --arg d "$WORK/data"
  mkdir "$WORK/data"
  echo outside >"$WORK/data/file"
  launch
  eventually in_tmp
  local before after
  before=$(seen_by "$(pid_of)")
  checkpoint
  succeeded
  restore
  succeeded
  after=$(seen_by "$(pid_of)")
  equal "$before" "$after"
  in_container cat /data/file
  is outside
  in_container sh -c 'echo x >/data/file'
  failed
  in_container cat /proc/kcore
  silent
}
in_tmp() { rt exec "$CID" test -s /tmp/count; }
seen_by() {
  grep -E '^(Cap|NoNewPrivs|Seccomp)' "/proc/$1/status"
  awk '{print $5, $6}' "/proc/$1/mountinfo" | sort
}

@test "open files, a deleted one and pipes between processes survive" {
  require_criu
  script 'exec 7>/tmp/deleted 8<>/tmp/open; rm /tmp/deleted; echo kept >&8
    ( while :; do echo x; usleep 100000; done ) | while read -r l; do echo "$l" >>/tmp/piped; wc -l </tmp/piped >>/tmp/count; done'
  launch
  eventually counted_past 2
  checkpoint --link-remap
  succeeded
  local before
  before=$(count)
  restore
  succeeded
  eventually counted_past "$before"
  in_container sh -c 'readlink /proc/1/fd/8; cat /tmp/open'
  is "$(printf '/tmp/open\nkept')"
  in_container readlink /proc/1/fd/7
  says deleted
}

@test "a pre-dump makes the dump that follows smaller" {
  require_criu
  counts
  launch
  eventually counted_past 2
  IMAGES=$WORK/pre
  checkpoint --pre-dump
  [[ "$stderr" != *CONFIG_MEM_SOFT_DIRTY* ]] || skip "this kernel does not track memory"
  succeeded
  equal running "$(status)"
  IMAGES=$WORK/images
  checkpoint --parent-path ../pre --auto-dedup
  succeeded
  [ -L "$IMAGES/parent" ]
  restore
  succeeded
  equal running "$(status)"
}

@test "--parent-path must be a relative path to a folder" {
  require_criu
  counts
  launch
  checkpoint --parent-path "$WORK"
  refuses_briefly
  complains relative
  checkpoint --parent-path ../missing
  refuses_briefly
  equal running "$(status)"
}

@test "what criu cannot save is named in one line, and the container goes on" {
  require_criu
  script 'nc -ll -p 4444 -e cat & usleep 300000; sleep 1000 | nc 127.0.0.1 4444 & usleep 500000; while :; do echo >>/tmp/count; usleep 100000; done'
  launch
  eventually test -s "$ROOTFS/tmp/count"
  checkpoint # without --tcp-established
  refuses_briefly
  complains "dump.log"
  complains "tcp"
  equal running "$(status)"
  local size
  size=$(stat -c %s "$ROOTFS/tmp/count")
  eventually grown "$size"
}

grown() { [ "$(stat -c %s "$ROOTFS/tmp/count")" -gt "$1" ]; }

@test "a standard stream that is a file of the host is named, and the container goes on" {
  require_criu
  counts
  rt run --detach --bundle "$BUNDLE" "$CID" </dev/null >"$WORK/file" 2>&1
  checkpoint
  refuses_briefly
  complains "$WORK/file"
  equal running "$(status)"
}

@test "a failed restore leaves nothing" {
  require_criu
  counts
  launch
  eventually counted_past 2
  checkpoint
  succeeded
  truncate -s 20 "$IMAGES/core-1.img"
  restore
  refuses_briefly
  complains "restore.log"
  no_leftovers
}

@test "a terminal is handed to the console socket again" {
  require_criu
  counts '.process.terminal = true'
  background tty "$PYTHON" "$TOOLS/recvtty.py" "$WORK/console"
  eventually test -S "$WORK/console"
  launch --console-socket "$WORK/console"
  eventually counted_past 2
  checkpoint --shell-job
  succeeded
  background tty2 "$PYTHON" "$TOOLS/recvtty.py" "$WORK/console2"
  eventually test -S "$WORK/console2"
  restore --shell-job --console-socket "$WORK/console2"
  succeeded
  await_line "line $(($(count) + 1))" "$WORK/tty2"
}

@test "a restore in the foreground answers the program's exit status" {
  require_criu
  script 'while [ ! -e /tmp/end ]; do echo >/tmp/count; usleep 50000; done; exit 7'
  launch
  eventually test -e "$ROOTFS/tmp/count"
  checkpoint
  succeeded
  "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS restore --bundle "$BUNDLE" --image-path "$IMAGES" "$CID" </dev/null \
    > >(exec cat >"$WORK/out2") 2>&1 3>&- 4>&- &
  RUNNER=$!
  await_status running
  touch "$ROOTFS/tmp/end"
  ends_with 7 "$RUNNER"
  no_leftovers
}

@test "prestart and createRuntime hooks run in the new namespaces before the program goes on" {
  require_criu
  counts '.hooks = {prestart: [{path: "/bin/sh", args: ["sh", "-c", $h]}], createRuntime: [{path: "/bin/sh", args: ["sh", "-c", $h]}],
    poststop: [{path: "/bin/sh", args: ["sh", "-c", $s]}]}' \
    --arg h "cat >>$WORK/hook; echo >>$WORK/hook" --arg s "echo stopped >>$WORK/stopped"
  launch
  eventually counted_past 2
  rm "$WORK/hook"
  checkpoint
  succeeded
  equal stopped "$(cat "$WORK/stopped")"
  restore
  succeeded
  equal 2 "$(grep -c '"pid":' "$WORK/hook")"
  equal "$(pid_of)" "$(head -n 1 "$WORK/hook" | jq .pid)"
}

@test "connections within the container survive" {
  require_criu
  script 'nc -ll -p 4444 -e cat & usleep 500000; ( n=0; while :; do n=$((n + 1)); echo $n; usleep 100000; done ) | nc 127.0.0.1 4444 |
    while read -r l; do echo "$l" >>/tmp/count; done'
  launch
  eventually counted_past 3
  checkpoint --tcp-established
  succeeded
  local before
  before=$(count)
  restore --tcp-established
  succeeded
  eventually counted_past "$((before + 2))"
}

@test "file locks survive with --file-locks, and are named without it" {
  require_criu
  script 'exec 9>/tmp/lock; probe lock 9; n=0; while :; do n=$((n + 1)); echo $n >>/tmp/count; usleep 100000; done'
  launch
  eventually counted_past 2
  not flock --nonblock "$ROOTFS/tmp/lock" true
  checkpoint
  refuses_briefly
  complains "dump.log"
  complains "lock"
  checkpoint --file-locks
  succeeded
  flock --nonblock "$ROOTFS/tmp/lock" true
  restore --file-locks
  succeeded
  not flock --nonblock "$ROOTFS/tmp/lock" true
}

@test "a socket that is connected to the host survives with --ext-unix-sk, and is named without it" {
  require_criu
  mkdir "$WORK/socket"
  background heard "$PYTHON" -c 'import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
while True: os.write(1, s.recv(99))' "$WORK/socket/s"
  eventually test -S "$WORK/socket/s"
  command_is probe talk "$WORK/socket/s" # under the name that it has outside: criu connects to that
  # in the host's network namespace, where criu asks the kernel for the socket's peer
  edit '.mounts += [{"destination": $d, "type": "bind", "source": $d, "options": ["bind"]}]
    | .linux.namespaces |= map(select(.type != "network"))' --arg d "$WORK/socket"
  launch
  await_line '^3$' "$WORK/heard"
  checkpoint
  refuses_briefly
  complains "dump.log"
  complains "unix"
  checkpoint --ext-unix-sk
  succeeded
  local before
  before=$(tail -n 1 "$WORK/heard")
  restore --ext-unix-sk
  succeeded
  await_line "^$((before + 3))$" "$WORK/heard"
}

free_port() { "$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
listened_at() { grep -q "^ *[0-9]*: 0100007F:$(printf '%04X' "$1") 00000000:0000 0A" /proc/net/tcp; }

@test "the memory can be sent to a page server" {
  require_criu
  local port
  port=$(free_port)
  counts
  launch
  eventually counted_past 2
  mkdir "$WORK/pages"
  background server criu page-server --images-dir "$WORK/pages" --address 127.0.0.1 --port "$port"
  eventually listened_at "$port"
  checkpoint --page-server "127.0.0.1:$port"
  succeeded
  eventually gone "$HELPER"
  equal '' "$(find "$IMAGES" -name 'pages-*.img')"
  cp "$WORK"/pages/* "$IMAGES"
  local before
  before=$(count)
  restore
  succeeded
  eventually counted_past "$before"
}

@test "with --lazy-pages the memory stays until it is asked for, and --status-fd says when that can begin" {
  require_criu
  local port dump before saved=$CID
  port=$(free_port)
  counts
  launch
  eventually counted_past 2
  background dumped rt checkpoint --image-path "$IMAGES" --work-path "$WORK/work" --lazy-pages --page-server "127.0.0.1:$port" \
    --status-fd 7 "$CID" 7>"$WORK/ready"
  dump=$HELPER
  eventually test -s "$WORK/ready"
  equal 00 "$(od -An -tx1 "$WORK/ready" | tr -d ' ')"
  before=$(count)
  background pages criu lazy-pages --page-server --address 127.0.0.1 --port "$port" --images-dir "$IMAGES" --work-dir "$WORK/work"
  eventually test -S "$WORK/work/lazy-pages.socket"
  CID=$saved-lazy
  edit '.linux.cgroupsPath += "-lazy"' # the first one is in use until all memory has been asked for
  restore --lazy-pages
  succeeded
  eventually counted_past "$before"
  ends_with 0 "$dump"
  CID=$saved run_rt state "$saved"
  failed 1
}

# Init moves into a cgroup of its own below the container's, and counts there before and after.
nested_survives() { # FLAG…
  require_criu
  require_v2
  counts '.linux.namespaces += [{"type": "cgroup"}]
    | .mounts += [{"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["rw"]}]
    | .process.args[2] = "mkdir /sys/fs/cgroup/inner && echo 0 >/sys/fs/cgroup/inner/cgroup.procs && " + .process.args[2]'
  launch
  eventually counted_past 2
  local before place
  place=$(cgroup_of_init)
  equal inner "$(basename "$place")"
  checkpoint "$@"
  succeeded
  [ ! -e "/sys/fs/cgroup$place" ]
  before=$(count)
  restore "$@"
  succeeded
  eventually counted_past "$before"
}
cgroup_of_init() { sed -n 's/^0:://p' "/proc/$(pid_of)/cgroup"; }

@test "cgroups below the container's are made again" {
  nested_survives
  equal "$(cgroup_dir pids)/inner" "/sys/fs/cgroup$(cgroup_of_init)"
  rt delete --force "$CID"
  no_leftovers
}

@test "cgroups below the container's are made again with --manage-cgroups-mode=full" {
  nested_survives --manage-cgroups-mode full
  equal "$(cgroup_dir pids)/inner" "/sys/fs/cgroup$(cgroup_of_init)"
}

@test "with --manage-cgroups-mode=ignore all are in the container's own cgroup" {
  nested_survives --manage-cgroups-mode ignore
  equal "$(cgroup_dir pids)" "/sys/fs/cgroup$(cgroup_of_init)"
}

@test "a joined network namespace is taken from the path again" {
  require_criu
  ip netns add "$CID"
  counts '.linux.namespaces |= map(if .type == "network" then .path = $p else . end)' --arg p "/run/netns/$CID"
  launch
  eventually counted_past 2
  checkpoint
  succeeded
  restore
  ip netns delete "$CID"
  succeeded
}

@test "egress rules are in force in the restored container" {
  require_criu
  is_agentsafe || skip "about agentsafe"
  policy_file
  launch
  eventually counted_past 2
  checkpoint
  succeeded
  restore
  succeeded
  run_rt egress show "$CID"
  succeeded
  run_rt why "$CID" connect 203.0.113.9:443
  says refused
}
policy_file() {
  echo '{"version": 1, "extends": "oci", "egress": {"mode": "strict", "allow": ["203.0.113.7:443"]}}' >"$WORK/policy.json"
  chmod 0600 "$WORK/policy.json"
  RUNTIME_FLAGS="--policy $WORK/policy.json"
  counts '.process.capabilities[] -= ["CAP_NET_RAW"]'
}

@test "a container of a policy is not restored without it, nor one without under it" {
  require_criu
  is_agentsafe || skip "about agentsafe"
  policy_file
  launch
  eventually counted_past 2
  checkpoint
  succeeded
  RUNTIME_FLAGS="--policy oci"
  restore
  refuses_briefly
  complains "made under policy"
  no_leftovers
  jq '.effectivePolicy = "" | .policy = "oci"' "$IMAGES/agentsafe.json" >"$WORK/forged"
  cp "$WORK/forged" "$IMAGES/agentsafe.json"
  RUNTIME_FLAGS="--policy $WORK/policy.json"
  restore
  refuses_briefly
  no_leftovers
}

@test "a checkpoint that only claims a policy is not restored under it" {
  require_criu
  is_agentsafe || skip "about agentsafe"
  echo '{"version": 1, "extends": "oci", "process": {"capabilities": ["CHOWN"], "no_new_privileges": true}}' >"$WORK/policy.json"
  chmod 0600 "$WORK/policy.json"
  RUNTIME_FLAGS="--policy $WORK/policy.json"
  counts
  launch
  eventually counted_past 2
  checkpoint
  succeeded
  restore
  succeeded
  cp "$IMAGES/agentsafe.json" "$WORK/claim"
  rt delete --force "$CID"
  RUNTIME_FLAGS="--policy oci" # the same with more capabilities
  launch
  rm -r "$IMAGES"
  checkpoint
  succeeded
  cp "$WORK/claim" "$IMAGES/agentsafe.json"
  RUNTIME_FLAGS="--policy $WORK/policy.json"
  restore
  refuses_briefly
  complains "capabilities that the bundle does not give it"
  no_leftovers
}

@test "checkpoint refuses a container whose changes lie in memory" {
  require_criu
  is_agentsafe || skip "about agentsafe"
  RUNTIME_FLAGS="--policy strict"
  counts '.process.capabilities[] -= ["CAP_NET_RAW"]'
  launch
  checkpoint
  refuses_briefly
  complains "fs.rootfs"
  equal running "$(status)"
}
