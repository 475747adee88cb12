#!/usr/bin/env bats
# containerd alone, through ctr: with and without the systemd driver. Runs in the virtual machine.
bats_require_minimum_version 1.5.0
load helpers

PROGRAM=${PROGRAM:-/usr/local/bin/agentsafe}
IMAGE=docker.io/library/busybox:latest

setup_file() { ctr version >/dev/null 2>&1 || skip "containerd does not run on this host"; }
setup() {
  NAME=at-ctr-$BATS_TEST_NUMBER-$$
  DRIVER=()
}
teardown() {
  ctr task kill --signal KILL "$NAME" >/dev/null 2>&1 || :
  eventually removed
  [ -z "$(find /sys/fs/cgroup -name "*$NAME*")" ]
}
removed() {
  ctr task rm --force "$NAME" >/dev/null 2>&1
  ctr container rm "$NAME" >/dev/null 2>&1
  [ -z "$(ctr container ls -q | grep -x "$NAME")" ]
}
run_ctr() { ctr run --runc-binary "$PROGRAM" "${DRIVER[@]}" "$@"; }

@test "containerd: a command's output and status come back" {
  run run_ctr --rm "$IMAGE" "$NAME" sh -c 'echo hello; exit 3'
  equal 3 "$status"
  equal hello "$output"
}

@test "containerd: exec, pause, resume, metrics and kill" {
  run_ctr --detach "$IMAGE" "$NAME" sleep 1000
  equal hi "$(ctr task exec --exec-id e1 "$NAME" echo hi)"
  ctr task pause "$NAME"
  ctr task ls | grep -q "$NAME.*PAUSED"
  ctr task resume "$NAME"
  ctr task metrics "$NAME" | grep -q memory
  ctr task ps "$NAME" | grep -q '[0-9]'
}

@test "containerd: with systemd the task is a scope with its limits" {
  DRIVER=(--runc-systemd-cgroup --cgroup "system.slice:ctr:$NAME")
  run_ctr --detach --memory-limit 67108864 "$IMAGE" "$NAME" sleep 1000
  equal active "$(systemctl show --value -p ActiveState "ctr-$NAME.scope")"
  equal 67108864 "$(systemctl show --value -p MemoryMax "ctr-$NAME.scope")"
  equal hi "$(ctr task exec --exec-id e1 "$NAME" echo hi)"
  ctr task kill --signal KILL "$NAME"
  eventually removed
  is_gone() { [ "$(systemctl show --value -p LoadState "ctr-$NAME.scope")" = not-found ]; }
  eventually is_gone
}
