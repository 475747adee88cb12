#!/usr/bin/env bats
# What the policy lets out of a container, through every verb. Packets themselves: tests/egress/run.py.
# bats file_tags=egress
load helpers

# strict, with an egress object
with_egress() {
  POLICY=$WORK/policy.json
  jq -n --argjson egress "$1" '{version: 1, extends: "strict", egress: $egress}' >"$POLICY"
  chmod 644 "$POLICY"
  RUNTIME_FLAGS="--policy $POLICY"
}
counter() { rt egress show --json "$CID" | jq --arg rule "$1" '[.traffic.rules[] | select(.rule == $rule) | .packets] | add'; }
rules_inside() { nsenter -t "$(pid_of)" -n nft list table inet agentsafe; }

@test "egress: the rules are in force before a createRuntime hook runs" {
  with_egress '{"mode": "strict"}'
  printf '#!/bin/sh\nnsenter -t "$(jq .pid)" -n %s list table inet agentsafe >"%s"\n' "$(command -v nft)" "$WORK/seen" >"$WORK/hook"
  chmod 755 "$WORK/hook"
  edit ".hooks.createRuntime = [{path: \"$WORK/hook\"}]"
  create
  grep -q 'hook output priority filter; policy drop' "$WORK/seen"
}

@test "egress: a refused connection fails at once and is counted" {
  with_egress '{"mode": "strict", "allow": ["203.0.113.7:443"]}'
  launch
  nsenter -t "$(pid_of)" -n sh -ec 'ip link add eth0 type veth peer name eth1; ip addr add 198.51.100.2/24 dev eth0
    ip link set eth0 up; ip link set eth1 up; ip route add default via 198.51.100.1'
  before=$(counter "not in egress.allow")
  in_container sh -c 'nc -w 5 203.0.113.8 443 </dev/null'
  [ "$status" -ne 0 ]
  [ "$(counter "not in egress.allow")" -gt "$before" ]
  [ "$(rt events --stats "$CID" | jq .egress.refused.packets)" -gt 0 ]
}

@test "egress: why answers from the rules" {
  with_egress '{"mode": "strict", "allow": ["203.0.113.7:443"]}'
  launch
  run_rt why "$CID" connect 203.0.113.7:443
  is "allowed: egress.allow"
  run_rt why "$CID" connect 203.0.113.8:443
  says "refused: not in egress.allow"
  run_rt why "$CID" connect example.com:443
  failed
  complains "is a name"
}

@test "egress: set replaces the rules in the kernel and in the state" {
  with_egress '{"mode": "none"}'
  launch
  rules_inside | grep -q "epoch 1"
  rt egress set "$CID" - <<<'{"mode": "strict", "allow": ["203.0.113.9:80"]}'
  rules_inside | grep -q "epoch 2"
  rules_inside | grep -q "203.0.113.9 . tcp . 80"
  run_rt why "$CID" connect 203.0.113.9:80
  is "allowed: egress.allow"
  echo '{"mode": "sometimes"}' >"$WORK/wrong.json"
  run_rt egress set "$CID" "$WORK/wrong.json"
  failed
  complains "egress.mode"
}

@test "egress: the host's network is refused" {
  with_egress '{"mode": "none"}'
  edit '.linux.namespaces |= map(select(.type != "network"))'
  run_bundle
  failed
  complains "network"
}

@test "egress: oci leaves the network as it is" {
  launch
  run nsenter -t "$(pid_of)" -n nft list ruleset
  silent
}

@test "egress: containers that join a namespace share its rules until the last one leaves" {
  with_egress '{"mode": "none"}'
  unshare -n sleep 50 &
  local holder=$! other=$CID-2
  has_left() { [ "$(readlink /proc/self/ns/net)" != "$(readlink "/proc/$holder/ns/net")" ]; }
  eventually has_left
  edit "(.linux.namespaces[] | select(.type == \"network\")).path = \"/proc/$holder/ns/net\""
  launch
  jq --arg c "/$other" '.linux.cgroupsPath = $c' "$CONFIG" >"$WORK/other.json"
  rt run --detach --bundle "$BUNDLE" --config "$WORK/other.json" "$other" </dev/null >"$WORK/out" 2>&1
  rt delete -f "$CID"
  nsenter -t "$holder" -n nft list tables | grep -q agentsafe
  rt delete -f "$other"
  [ -z "$(nsenter -t "$holder" -n nft list tables)" ]
  kill "$holder"
}
