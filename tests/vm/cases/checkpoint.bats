#!/usr/bin/env bats
# Checkpoint and restore as Docker and podman ask for it. Runs in the virtual machine, whose kernel lets criu work;
# tests/integration/checkpoint.bats has the verbs themselves.
bats_require_minimum_version 1.5.0
load helpers

RUNTIME_NAME=${RUNTIME_NAME:-agentsafe}
PROGRAM=${PROGRAM:-/usr/local/bin/agentsafe}

# Docker's checkpoints are experimental.
setup_file() {
  [ -d /run/systemd/system ] || skip "systemd does not run on this host"
  command -v criu >/dev/null || skip "this host has no criu"
  cp -a /etc/docker/daemon.json "$BATS_FILE_TMPDIR/daemon.json"
  jq '.experimental = true' "$BATS_FILE_TMPDIR/daemon.json" >/etc/docker/daemon.json
  systemctl restart docker
}
teardown_file() {
  [ -e "$BATS_FILE_TMPDIR/daemon.json" ] || return 0
  cp -a "$BATS_FILE_TMPDIR/daemon.json" /etc/docker/daemon.json
  systemctl restart docker
}
setup() { NAME=at-checkpoint-$BATS_TEST_NUMBER; }
teardown() {
  docker rm --force "$NAME" >/dev/null 2>&1 || :
  podman rm --force --time 0 "$NAME" "$NAME-moved" >/dev/null 2>&1 || :
}

COUNT='n=0; while :; do n=$((n + 1)); echo $n; sleep 0.1; done'
last() { "$1" logs "$NAME" 2>/dev/null | tail -n 1; } # ENGINE
past() { [ "$(last "$1")" -gt "$2" ] 2>/dev/null; }   # ENGINE COUNT
# The count goes on where it was, rather than from 1 on.
rises_by_ones() { "$1" logs "$NAME" | awk 'NR > 1 && $1 != before + 1 {exit 1} {before = $1}'; }

# dockerd may refuse a content that containerd has not yet forgotten (github.com/moby/moby/issues/42900): asked again.
start_from() {
  local _ said
  for _ in $(seq 10); do
    said=$(docker start --checkpoint "$1" "$NAME" 2>&1) && return
    [[ "$said" == *"already exists"* ]] || break
    sleep 3
  done
  echo "$said" >&2
  return 1
}

@test "checkpoint: Docker makes one, and a container goes on from it" {
  docker run --detach --name "$NAME" --runtime "$RUNTIME_NAME" --security-opt seccomp=unconfined busybox sh -c "$COUNT"
  eventually past docker 5
  docker checkpoint create "$NAME" first
  equal false "$(docker inspect --format '{{.State.Running}}' "$NAME")"
  docker checkpoint ls "$NAME" | grep -q '^first'
  local before
  before=$(last docker)
  start_from first
  eventually past docker $((before + 5))
  rises_by_ones docker
}

@test "checkpoint: Docker can leave the container running" {
  docker run --detach --name "$NAME" --runtime "$RUNTIME_NAME" --security-opt seccomp=unconfined busybox sh -c "$COUNT"
  eventually past docker 5
  docker checkpoint create --leave-running "$NAME" first
  equal true "$(docker inspect --format '{{.State.Running}}' "$NAME")"
  eventually past docker $(($(last docker) + 5))
  rises_by_ones docker
}

@test "checkpoint: podman makes one, and the container goes on, also when it is exported and made anew" {
  podman image exists docker.io/library/busybox || docker save busybox | podman load
  podman --runtime "$PROGRAM" run --detach --name "$NAME" busybox sh -c "$COUNT"
  eventually past podman 5
  podman --runtime "$PROGRAM" container checkpoint "$NAME"
  local before
  before=$(last podman)
  podman --runtime "$PROGRAM" container restore "$NAME"
  eventually past podman $((before + 5))
  rises_by_ones podman
  podman --runtime "$PROGRAM" container checkpoint --export "$BATS_TEST_TMPDIR/moved.tar.gz" "$NAME"
  before=$(last podman)
  podman rm "$NAME"
  podman --runtime "$PROGRAM" container restore --import "$BATS_TEST_TMPDIR/moved.tar.gz" --name "$NAME-moved"
  NAME=$NAME-moved
  eventually past podman $((before + 5))
  rises_by_ones podman
  equal "hello" "$(podman --runtime "$PROGRAM" exec "$NAME" echo hello)"
}
