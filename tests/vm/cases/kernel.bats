#!/usr/bin/env bats
# A kernel that lacks something: modules are held back, which only the virtual machine lets a test do.
load ../../integration/helpers

HELD=/etc/modprobe.d/agentsafe-test.conf

setup() {
  is_agentsafe || skip "policies are agentsafe's"
  [ -e /opt/suite/inside.sh ] || skip "runs in the virtual machine alone"
  setup_bundle
  POLICY=$WORK/policy.json
}
teardown() {
  rm -f "$HELD"
  finish
}
# lacks MODULE EXPRESSION EGRESS: create fails and names the expression, leaves nothing, and works once the module is there.
lacks() {
  jq -n --argjson egress "$3" '{version: 1, extends: "strict", egress: $egress}' >"$POLICY"
  chmod 644 "$POLICY"
  RUNTIME_FLAGS="--policy $POLICY"
  modinfo "$1" >/dev/null || skip "the kernel has no module $1"
  echo "install $1 /bin/false" >"$HELD"
  ! grep -q "^$1 " /proc/modules || eventually modprobe -r "$1" || skip "the module $1 is in use"
  run_rt create --bundle "$BUNDLE" "$CID"
  refuses_briefly
  complains "this kernel may lack the nftables expression"
  complains "$2"
  no_leftovers
  rm "$HELD"
  launch
}

@test "a kernel without nftables' connlimit: create fails naming it" {
  lacks nft_connlimit connlimit '{"mode": "strict", "allow": ["203.0.113.7:443"], "connections": 10}'
}

@test "a kernel without nftables' quota: create fails naming it" {
  lacks nft_quota quota '{"mode": "strict", "allow": ["203.0.113.7:443"], "bytes": "1M"}'
}

@test "a kernel without nftables' fib: create fails naming it" {
  lacks nft_fib_inet fib '{"mode": "none"}'
}

@test "a kernel without nftables' limit: create fails naming it" {
  lacks nft_limit limit '{"mode": "strict", "allow": ["203.0.113.7:443"]}' # what lets no flow begin has no limit
}
