#!/usr/bin/env bats
# Egress rules of containers that share a network namespace: pods, `docker run --network container:X`.
# bats file_tags=egress
load helpers

REGISTRY=/run/agentsafe-egress

teardown() {
  RUNTIME_FLAGS='' # each container has the policy that it was made with
  finish
}

with_egress() {
  POLICY=$WORK/policy-$((++POLICIES)).json
  jq -n --argjson egress "$1" '{version: 1, extends: "strict", ingress: "none", egress: $egress}' >"$POLICY"
  chmod 644 "$POLICY"
  RUNTIME_FLAGS="--policy $POLICY"
}
# A namespace that outlives its containers, as a pod's does: $POD, a process in it.
make_pod() {
  background pod unshare -n sleep 50
  POD=$HELPER
  has_left() { [ "$(readlink /proc/self/ns/net)" != "$(readlink "/proc/$POD/ns/net")" ]; }
  eventually has_left
}
joins() { edit "(.linux.namespaces[] | select(.type == \"network\")).path = \"/proc/${1:-$POD}/ns/net\""; }
# another NAME: a second container of the same bundle, with a cgroup of its own.
another() {
  jq --arg c "/$CID-$1" '.linux.cgroupsPath = $c' "$CONFIG" >"$WORK/$1.json"
  run_rt run --detach --bundle "$BUNDLE" --config "$WORK/$1.json" --pid-file "$WORK/pid-$1" "$CID-$1"
}
rules_of() { nsenter -t "$1" -n nft list table inet agentsafe 2>/dev/null; }
no_rules() { [ -z "$(nsenter -t "$1" -n nft list tables)" ]; }
no_members() { [ ! -e "$REGISTRY/$(stat -Lc %i "/proc/$POD/ns/net")" ]; }

@test "shared egress: another policy is refused, and leaves the first one's rules" {
  make_pod
  with_egress '{"mode": "strict", "allow": ["203.0.113.7:443"]}'
  joins
  launch
  rules_of "$POD" >"$WORK/before"
  with_egress '{"mode": "open"}'
  another two
  refuses_briefly
  complains "another policy"
  rules_of "$POD" | diff "$WORK/before" -
  [ "$(wc -l <"$REGISTRY/$(stat -Lc %i "/proc/$POD/ns/net")")" -eq 1 ]
}

@test "shared egress: the rules stay when the first container goes, and go with the last one" {
  make_pod
  with_egress '{"mode": "none"}'
  joins
  launch
  another two
  succeeded
  rt delete --force "$CID"
  rules_of "$POD" | grep -q "policy drop"
  another three
  succeeded
  rt delete --force "$CID-two"
  rules_of "$POD" | grep -q "policy drop"
  rt delete --force "$CID-three"
  no_rules "$POD"
  no_members
}

@test "shared egress: containers that start and end at once neither lose nor leave rules" {
  make_pod
  with_egress '{"mode": "none"}'
  joins
  local i pids=
  for i in 1 2 3 4 5 6; do
    jq --arg c "/$CID-$i" '.linux.cgroupsPath = $c' "$CONFIG" >"$WORK/$i.json"
    { rt run --detach --bundle "$BUNDLE" --config "$WORK/$i.json" "$CID-$i" </dev/null >"$WORK/out-$i" 2>&1 &&
      rules_of "$POD" >"$WORK/rules-$i" && rt delete --force "$CID-$i"; } &
    pids+=" $!"
  done
  for i in $pids; do wait "$i"; done
  for i in 1 2 3 4 5 6; do grep -q "policy drop" "$WORK/rules-$i"; done
  no_rules "$POD"
  no_members
}

@test "shared egress: rules whose containers were lost are replaced by the next one's" {
  make_pod
  with_egress '{"mode": "none"}'
  joins
  launch
  kill -KILL "$(pid_of)"
  await_status stopped
  # as after a crash of the host's tools: nobody has signed off
  rm -r "${ROOT:?}/$CID"
  sweep_cgroups
  with_egress '{"mode": "strict", "allow": ["203.0.113.7:443"]}'
  another two
  succeeded
  rules_of "$POD" | grep -q "203.0.113.7 . tcp . 443"
  rt delete --force "$CID-two"
  no_rules "$POD"
}

@test "shared egress: a change through one container is told by the other" {
  make_pod
  with_egress '{"mode": "none"}'
  joins
  launch
  another two
  rt egress set "$CID" - <<<'{"mode": "strict", "allow": ["203.0.113.9:80"]}'
  run_rt egress show "$CID-two"
  refuses_briefly
  complains "were changed through another one that shares its network"
  run_rt why "$CID-two" connect 203.0.113.9:80
  refuses_briefly
  rt egress set "$CID-two" - <<<'{"mode": "strict", "allow": ["203.0.113.9:80"]}'
  run_rt why "$CID-two" connect 203.0.113.9:80
  is "allowed: egress.allow"
}

@test "shared egress: a container that joins another's namespace is held by its rules, and keeps them" {
  with_egress '{"mode": "none"}'
  launch
  joins "$(pid_of)"
  another two
  succeeded
  with_egress '{"mode": "open"}'
  another three
  refuses_briefly
  RUNTIME_FLAGS=''
  rt delete --force "$CID"
  rules_of "$(cat "$WORK/pid-two")" | grep -q "policy drop"
  not grep -rqsF "$ROOT" "$REGISTRY"
}

@test "shared egress: the host's namespace by path is refused" {
  with_egress '{"mode": "none"}'
  joins $$
  run_bundle
  refuses_briefly
  complains "network"
}

# What containerd's CRI plugin and CRI-O ask for.
@test "shared egress: a pod has its rules from its pause container on, and its containers the same ones" {
  make_pod
  with_egress '{"mode": "strict", "allow": ["203.0.113.7:443"]}'
  joins
  edit '.annotations = {"io.kubernetes.cri.container-type": "sandbox", "io.kubernetes.cri.sandbox-id": "pod"}'
  create
  rules_of "$POD" | grep -q "203.0.113.7 . tcp . 443"
  start
  edit '.annotations["io.kubernetes.cri.container-type"] = "container"'
  another app
  succeeded
  edit '.annotations["org.agentsafe.egress.mode"] = "none" | .annotations["org.agentsafe.egress.allow"] = "[]"'
  another narrower
  refuses_briefly
  complains "another policy"
  rt delete --force "$CID"
  rules_of "$POD" | grep -q "203.0.113.7 . tcp . 443"
  rt delete --force "$CID-app"
  no_rules "$POD"
}

@test "shared egress: create that was killed leaves no rules after delete --force" {
  command -v strace >/dev/null || skip "needs strace"
  make_pod
  with_egress '{"mode": "none"}'
  joins
  local call
  # from the signature on: the rules, what init is told, the state, the end
  for call in flock:1 ftruncate:1 clone3:2 clone3:3 wait4:1 waitid:1 waitid:2 sendmsg:1 sendmsg:2 renameat:1 renameat:2 renameat2:1 renameat2:2; do
    # shellcheck disable=SC2086 # the flags are words
    strace -o /dev/null -e trace=none -e inject="${call%:*}:signal=KILL:when=${call#*:}" "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS \
      create --bundle "$BUNDLE" "$CID" </dev/null >/dev/null 2>&1 3>&- 4>&- || :
    rt delete --force "$CID" 2>/dev/null || :
    no_rules "$POD" || { echo "rules are left behind $call" >&2; return 1; }
    no_members || { echo "a member is left behind $call" >&2; return 1; }
  done
}
