# The same containerd without Docker on top: its own client, and its shim's default state root.

ctr() { command ctr -a "$ENGINE/containerd.sock" -n agentsafe "$@"; }
# containerd passes no arguments to a runtime.
binary() {
  [ "$RT" = sut ] || { echo "$REFERENCE"; return; }
  local wrapper=$DIR/plain
  printf '#!/bin/sh\nexec %s %s "$@"\n' "$RUNTIME" "$RUNTIME_ARGS" >"$wrapper"
  chmod +x "$wrapper"
  echo "$wrapper"
}
import_into_containerd() {
  command -v ctr >/dev/null || skip "no ctr"
  (flock 9; ctr image ls -q | grep -q bb || d save bb | ctr image import - >/dev/null) 9>"$WORK/ctr.lock"
}
# start_task NAME [OPTIONS] -- COMMAND…
start_task() {
  local name=$1 options=()
  shift
  while [ "$1" != -- ]; do options+=("$1"); shift; done
  shift
  ctr run --runc-binary "$(binary)" --cgroup "/$PARENT/$ME-$name" "${options[@]}" docker.io/library/bb:latest "$ME-$name" "$@"
}
task_is() { ctr task ls | grep -qE "^$ME-$1 +[0-9]+ +$2"; }

case_containerd_runs_a_command() {
  import_into_containerd
  is hello start_task a --rm -- echo hello
  status 42 start_task b --rm -- sh -c 'exit 42'
}

case_containerd_manages_a_task() {
  import_into_containerd
  start_task a -d --memory-limit 50331648 -- sh -c 'exec idle >/dev/null'
  is 50331648 cat $([ "$CG" = 1 ] && echo "/sys/fs/cgroup/memory/$PARENT/$ME-a/memory.limit_in_bytes" || echo "/sys/fs/cgroup/$PARENT/$ME-a/memory.max")
  await task_is a RUNNING
  is hello ctr task exec --exec-id one "$ME-a" echo hello
  status 23 ctr task exec --exec-id two "$ME-a" sh -c 'exit 23'
  ctr task pause "$ME-a"
  await task_is a PAUSED
  ctr task resume "$ME-a"
  await task_is a RUNNING
  has '^[0-9]+' ctr task ps "$ME-a"
  has 'pids|memory' ctr task metrics "$ME-a"
  ctr task kill -s TERM "$ME-a"
  await task_is a STOPPED
  has 'exit code 143' ctr task delete "$ME-a"
  ctr container delete "$ME-a"
}

case_containerd_kills_all_of_a_task() {
  import_into_containerd
  start_task a -d -- sh -c 'sleep 611 & sleep 612'
  await task_is a RUNNING
  ctr task kill -a -s KILL "$ME-a"
  await task_is a STOPPED
  has 'exit code 137' ctr task delete "$ME-a"
  ctr container delete "$ME-a"
}

ONLY_SUT[strict_annotations_narrow_under_containerd]=yes
# Docker has --annotation since 24 only; containerd's client passes them on, and no arguments: the policy is strict.
case_strict_annotations_narrow_under_containerd() {
  import_into_containerd
  plain() { ctr run --rm --runc-binary "$RUNTIME" --cgroup "/$PARENT/$ME-$1" "${@:2:$#-2}" docker.io/library/bb:latest "$ME-$1" sh -c "${!#}"; }
  is 00000000000005fb plain a 'sed -n "s/^CapBnd:.//p" /proc/self/status'
  is 0000000000000021 plain b --annotation org.agentsafe.process.capabilities=CHOWN,KILL 'sed -n "s/^CapBnd:.//p" /proc/self/status'
  refused '[1-9]*' 'org.agentsafe.limits.memory: it would widen.*allow_widen' plain c --annotation org.agentsafe.limits.memory=64G true
}
