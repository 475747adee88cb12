#!/usr/bin/env bats
# Egress rules when something fails, and while a container is paused, updated and entered.
# bats file_tags=egress
load helpers

with_egress() {
  POLICY=$WORK/policy.json
  jq -n --argjson egress "$1" --argjson rest "${2:-{\}}" '{version: 1, extends: "strict", egress: $egress} + $rest' >"$POLICY"
  chmod 644 "$POLICY"
  RUNTIME_FLAGS="--policy $POLICY"
}
rules_inside() { nsenter -t "$(pid_of)" -n nft list table inet agentsafe; }
# Without counters' values, which rise.
fingerprint() { rules_inside | sed -E 's/packets [0-9]+ bytes [0-9]+//; s/used [0-9]+ [a-z]*bytes//' | sha256sum; }
counter() { rt egress show --json "$CID" | jq --arg rule "$1" '[.traffic.rules[] | select(.rule == $rule) | .packets] | add'; }
# joins a namespace that outlives the container, as a pod's does: $POD, a process in it.
join_pod() {
  background pod unshare -n sleep 50
  POD=$HELPER
  has_left() { [ "$(readlink /proc/self/ns/net)" != "$(readlink "/proc/$POD/ns/net")" ]; }
  eventually has_left
  edit "(.linux.namespaces[] | select(.type == \"network\")).path = \"/proc/$POD/ns/net\""
}
in_pod() { nsenter -t "$POD" -n "$@"; }

@test "egress: rules that do not refuse a real packet end create, which takes them away again" {
  with_egress '{"mode": "none"}'
  join_pod
  in_pod nft 'table inet other { chain out { type filter hook output priority -300; policy accept; ip daddr 127.0.0.11 drop; }; }'
  in_pod ip link set lo up
  run_rt create --bundle "$BUNDLE" "$CID"
  refuses_briefly
  complains 'a packet to 127.0.0.11 port 1 was not refused by the rule'
  no_leftovers
  equal 'table inet other' "$(in_pod nft list tables)"
  in_pod nft delete table inet other
  launch # and it is usable then
}

@test "egress: a packet to the metadata service that is lost elsewhere ends create" {
  with_egress '{"mode": "none"}'
  join_pod
  in_pod sh -ec 'ip link set lo up; ip link add v0 type veth peer name v1; ip addr add 198.51.100.2/24 dev v0; ip link set v0 up
    ip link set v1 up; ip route add default via 198.51.100.1'
  in_pod nft 'table inet other { chain out { type filter hook output priority -300; policy accept; ip daddr 169.254.169.254 drop; }; }'
  run_rt create --bundle "$BUNDLE" "$CID"
  refuses_briefly
  complains '169.254.169.254 port 80'
  no_leftovers
}

@test "egress: a table of that name that is not ours ends create, and stays" {
  with_egress '{"mode": "none"}'
  join_pod
  in_pod nft 'table inet agentsafe { comment "mine"; }'
  run_rt create --bundle "$BUNDLE" "$CID"
  refuses_briefly
  complains 'is not ours'
  no_leftovers
  in_pod nft list table inet agentsafe | grep -q mine
}

@test "egress: rules that somebody has changed are not taken for ours" {
  with_egress '{"mode": "none"}'
  join_pod
  launch
  in_pod nft insert rule inet agentsafe out accept
  jq --arg c "/$CID-two" '.linux.cgroupsPath = $c' "$CONFIG" >"$WORK/two.json"
  run_rt create --bundle "$BUNDLE" --config "$WORK/two.json" "$CID-two"
  refuses_briefly
  complains 'is not the one that was loaded'
}

@test "egress: pause, update, exec and restart keep every rule" {
  with_egress '{"mode": "strict", "allow": ["203.0.113.7:443"], "bytes": "2G"}'
  launch
  local before
  before=$(fingerprint)
  rt pause "$CID"
  equal "$before" "$(fingerprint)"
  rt resume "$CID"
  in_container true
  succeeded
  echo '{"pids": {"limit": 100}}' | rt update --resources - "$CID"
  equal "$before" "$(fingerprint)"
  nsenter -t "$(pid_of)" -n sh -ec 'ip link add a0 type veth peer name a1; ip link set a0 name b0; ip link set b0 up; ip link del b0'
  equal "$before" "$(fingerprint)"
  rt delete --force "$CID"
  launch
  equal "$before" "$(fingerprint)"
}

@test "egress: a process inside can neither change nor flush the rules" {
  with_egress '{"mode": "none"}'
  launch
  local before
  before=$(fingerprint)
  in_container sh -c 'ip link set lo down; ip route add 203.0.113.0/24 dev lo; ip link add x0 type veth'
  failed
  equal "$before" "$(fingerprint)"
}

@test "egress: why knows protocols, ports, ranges and both families" {
  with_egress '{"mode": "strict", "allow": ["203.0.113.0/24:8000-8080", "udp/[2001:db8:7::/48]:53"],
    "deny": ["203.0.113.9:*"], "internal": ["10.2.0.0/16:5432"]}'
  launch
  local row dest answer
  for row in '203.0.113.1:8000 allowed: egress.allow' '203.0.113.255:8080 allowed: egress.allow' '203.0.113.1:8081 refused: not in egress.allow' \
    '203.0.114.1:8000 refused: not in egress.allow' 'udp/203.0.113.1:8000 refused: not in egress.allow' '203.0.113.9:8000 refused: egress.deny' \
    'udp/[2001:db8:7:1::5]:53 allowed: egress.allow' '[2001:db8:7:1::5]:53 refused: not in egress.allow' \
    'udp/[2001:db8:8::5]:53 refused: not in egress.allow' '10.2.3.4:5432 allowed: egress.internal' '10.3.3.4:5432 refused: private' \
    '169.254.169.254:80 refused: private' '[fd00:ec2::254]:80 refused: private' '[::ffff:203.0.113.1]:8000 refused: private' \
    '127.0.0.11:53 refused: engine' '127.0.0.1:80 allowed:' '[::1]:80 allowed:'; do
    dest=${row%% *} answer=${row#* }
    run_rt why "$CID" connect "$dest"
    succeeded
    says "$answer"
  done
  for dest in 203.0.113.1 203.0.113.0/24:80 203.0.113.1:80-90 203.0.113.1:0 '203.0.113.1:*' 2001:db8::1:80 x_y:80; do
    run_rt why "$CID" connect "$dest"
    refuses_briefly
  done
}

@test "egress: what set has put in force is what state, show and events tell" {
  with_egress '{"mode": "none"}'
  launch
  rt egress set "$CID" - <<<'{"mode": "strict", "allow": ["203.0.113.9:80"], "connections": 7}'
  run_rt egress show --json "$CID"
  equal '["203.0.113.9:80"]' "$(jq -c .egress.allow <<<"$output")"
  rules_inside | grep -q 'ct count over 7'
  local refused
  refused=$(counter "engine's resolver 127.0.0.11")
  in_container sh -c 'nc -w 2 127.0.0.11 53 </dev/null'
  [ "$(counter "engine's resolver 127.0.0.11")" -gt "$refused" ]
  [ "$(rt events --stats "$CID" | jq '.egress.rules | length')" -gt 4 ]
  rt kill "$CID" KILL
  await_status stopped
  run_rt egress show --json "$CID"
  equal '["203.0.113.9:80"]' "$(jq -c .egress.allow <<<"$output")"
  run_rt egress set "$CID" - <<<'{"mode": "none"}'
  refuses_briefly
}

@test "egress: set refuses what it cannot enforce, and changes nothing" {
  with_egress '{"mode": "none"}'
  launch
  local before wrong
  before=$(fingerprint)
  for wrong in '{"mode": "strict", "allow": ["example.com:443"]}' '{"allow": ["10.0.0.1:443"]}' '{"allow": ["203.0.113.1"]}' \
    '{"allow": ["203.0.113.1:99999"]}' '{"bytes": 0}' '{"bytes": "2X"}' '{"names": "pin"}' '{"modes": "none"}' '[]' 'x' ''; do
    printf '%s' "$wrong" >"$WORK/wrong.json"
    run_rt egress set "$CID" "$WORK/wrong.json"
    refuses_briefly
  done
  equal "$before" "$(fingerprint)"
}

@test "egress: NET_ADMIN is refused, and NET_RAW without a seccomp profile" {
  edit '.process.capabilities.bounding += ["CAP_NET_ADMIN"]'
  with_egress '{"mode": "none"}' '{"process": {"capabilities": ["NET_ADMIN"]}}'
  run_bundle
  refuses_briefly
  complains CAP_NET_ADMIN
  with_egress '{"mode": "none"}' '{"process": {"capabilities": ["NET_RAW"], "seccomp": "none"}}'
  run_bundle
  refuses_briefly
  complains NET_RAW
}

# killed_set CALLS INJECTION: `egress set` of other rules, killed at the first of these calls.
killed_set() {
  strace -f -o /dev/null -e "trace=$1" -e "inject=$1:${2}signal=KILL:when=1" \
    "$RUNTIME" --root "$ROOT" egress set "$CID" - <<<'{"mode": "strict", "allow": ["203.0.113.9:80"]}' 3>&- 4>&- 2>/dev/null && return 1
  return 0
}
@test "egress: a set that is killed before its transaction has changed nothing, and show and why say so" {
  with_egress '{"mode": "strict", "allow": ["203.0.113.7:443"]}'
  launch
  killed_set renameat,renameat2,rename error=EIO:  # it writes down what it is about to do
  run_rt egress show "$CID"
  succeeded
  says 203.0.113.7
  run_rt why "$CID" connect 203.0.113.9:80
  says refused
}

@test "egress: a set that is killed after its transaction is told by show and why as it is in force" {
  with_egress '{"mode": "strict", "allow": ["203.0.113.7:443"]}'
  launch
  killed_set waitid,wait4 ''  # of its helper, which has done it
  are_new() { rules_inside | grep -q '203.0.113.9 . tcp . 80'; }
  eventually are_new
  [ "$(jq -r .egressPending "$ROOT/$CID/state.json")" != "$(jq -r .egress "$ROOT/$CID/state.json")" ]
  run_rt egress show --json "$CID"
  succeeded
  says 203.0.113.9
  run_rt why "$CID" connect 203.0.113.9:80
  is "allowed: egress.allow"
  run_rt why "$CID" connect 203.0.113.7:443
  says refused
  rt egress set "$CID" - <<<'{"mode": "none"}'
  run_rt why "$CID" connect 203.0.113.9:80
  says refused
  equal null "$(jq .egressPending "$ROOT/$CID/state.json")"
}

@test "egress: a set that the kernel refuses leaves rules, state and answers as they were" {
  with_egress '{"mode": "none"}'
  launch
  local before
  before=$(fingerprint)
  run strace -f -o /dev/null -e trace=sendto -e inject=sendto:error=EIO:when=2+ "$RUNTIME" --root "$ROOT" egress set "$CID" - \
    <<<'{"mode": "open"}' 3>&- 4>&-
  failed
  equal "$before" "$(fingerprint)"
  equal null "$(jq .egressPending "$ROOT/$CID/state.json")"
  run_rt egress show "$CID"
  succeeded
}

@test "egress: rules that somebody has replaced by hand are not told as ours" {
  with_egress '{"mode": "none"}'
  launch
  nsenter -t "$(pid_of)" -n nft 'flush ruleset; table inet agentsafe { comment "policy 1 epoch 1"; }'
  run_rt egress show "$CID"
  refuses_briefly
  complains 'were changed through another one that shares its network, or by somebody else'
}
