#!/usr/bin/env bats
# hooks/agentsafe-egress under other runtimes: the same rules, from the same code, before anything of a container runs.
# bats file_tags=egress
load helpers

HOOK=$BUILD/hooks/agentsafe-egress

with_hook() { # EGRESS
  printf '%s\n' "$1" >"$WORK/egress.json"
  edit '.hooks.createRuntime = [{path: $hook, args: ["agentsafe-egress", $file]}]
    | .process.capabilities |= map_values(map(select(. != "CAP_NET_RAW")))' --arg hook "$HOOK" --arg file "$WORK/egress.json"
}
require_runtime() { command -v "$1" >/dev/null || skip "the host has no $1"; }
# other RUNTIME WORDS…
other() {
  local flags=''
  [ "$1" != crun ] || flags='--cgroup-manager=disabled' # else it needs CAP_SYS_RESOURCE, for RLIMIT_MEMLOCK
  # shellcheck disable=SC2086 # the flags are words
  on_version_2 "$1" --root "$WORK/other" $flags "${@:2}" </dev/null >"$WORK/other.out" 2>"$WORK/other.err" 3>&- 4>&- ||
    { cat "$WORK/other.err" >&2; return 1; }
}
# In a mount namespace that shows cgroup version 2 alone: crun takes no mixed hosts.
on_version_2() { unshare -m sh -c 'mount -t cgroup2 none /sys/fs/cgroup && exec "$@"' sh "$@"; }
rules_inside() { nsenter -t "$(pid_of)" -n nft list table inet agentsafe; }

holds_under() { # RUNTIME
  require_runtime "$1"
  with_hook '{"mode": "strict", "allow": ["203.0.113.7:443"]}'
  other "$1" create --bundle "$BUNDLE" --pid-file "$WORK/pid" "$CID"
  rules_inside >"$WORK/created"
  other "$1" start "$CID"
  rules_inside >"$WORK/started"
  other "$1" exec "$CID" sh -c '! nc -w 2 127.0.0.11 53' || { other "$1" delete --force "$CID"; return 1; }
  local probe
  probe=$(rules_inside | grep 'resolver 127.0.0.11')
  other "$1" delete --force "$CID"
  grep -q 'hook output priority filter; policy drop' "$WORK/created"
  grep -q '203.0.113.7 . tcp . 443' "$WORK/created"
  diff <(sed 's/packets.*comment/comment/' "$WORK/created") <(sed 's/packets.*comment/comment/' "$WORK/started")
  [[ "$probe" != *"packets 0 "* ]]
}
@test "egress hook: a container of runc has the rules before it starts" { holds_under runc; }
@test "egress hook: a container of crun has the rules before it starts" { holds_under crun; }

refused_under() { # RUNTIME
  require_runtime "$1"
  ! other "$1" create --bundle "$BUNDLE" --pid-file "$WORK/pid" "$CID" || { other "$1" delete --force "$CID"; return 1; }
  [ -z "$(other "$1" list -q; cat "$WORK/other.out")" ]
}
@test "egress hook: what it cannot read keeps a container of runc from being made" {
  with_hook '{"mode": "sometimes"}'
  refused_under runc
}
@test "egress hook: what it cannot read keeps a container of crun from being made" {
  with_hook '{"mode": "sometimes"}'
  refused_under crun
}
@test "egress hook: capabilities that go around the rules are refused under runc" {
  with_hook '{"mode": "none"}'
  edit '.process.capabilities.bounding += ["CAP_NET_RAW"]'
  refused_under runc
  edit '.process.capabilities.bounding += ["CAP_NET_ADMIN"] | .process.capabilities.bounding -= ["CAP_NET_RAW"]'
  refused_under runc
}
@test "egress hook: the host's network is refused under runc" {
  with_hook '{"mode": "none"}'
  edit '.linux.namespaces |= map(select(.type != "network"))'
  refused_under runc
}

# hook STATE [FILE]
hook() {
  status=0
  stderr=$("$HOOK" "${@:2}" 2>&1 >/dev/null <<<"$1") || status=$?
}
@test "egress hook: a state that it cannot use is told in a line" {
  hook '{"pid": '
  refuses_briefly
  complains "state on standard input"
  hook '{"id": "x"}'
  refuses_briefly
  hook "{\"pid\": 1, \"bundle\": \"$WORK/nowhere\"}"
  refuses_briefly
  complains "bundle"
  hook "{\"pid\": $$, \"bundle\": \"$BUNDLE\"}" "$WORK/missing.json"
  refuses_briefly
  hook "{\"pid\": $$, \"bundle\": \"$BUNDLE\"}" one two
  refuses_briefly
}

podman_run() {
  on_version_2 timeout 30 podman --root "$WORK/podman" --runroot "$WORK/podman-run" \
    --tmpdir "$WORK/podman-tmp" --storage-driver vfs --cgroup-manager cgroupfs --events-backend file \
    --hooks-dir "$WORK/hooks.d" --runtime crun run --rm --network none --cgroups disabled --ulimit nofile=1024:1024 \
    --ulimit nproc=1024:1024 "$@" </dev/null >"$WORK/podman.out" 2>"$WORK/podman.err" 3>&- 4>&-
}
@test "egress hook: podman takes its JSON, and runs it for containers with the annotation" {
  require_runtime podman
  require_runtime crun
  mkdir "$WORK/hooks.d"
  printf '#!/bin/sh\necho ran >>%s/ran\nexec %s "$@"\n' "$WORK" "$HOOK" >"$WORK/hook"
  chmod 755 "$WORK/hook"
  echo '{"mode": "none"}' >"$WORK/egress.json"
  jq --arg hook "$WORK/hook" --arg file "$WORK/egress.json" '.hook.path = $hook | .hook.args[1] = $file' \
    "$TOP/hooks/podman.json" >"$WORK/hooks.d/agentsafe-egress.json"
  local ask='nc -l -p 80 -e cat /etc/passwd & for i in 1 2 3 4 5 6; do nc -w 2 127.0.0.11 80 && exit; sleep 0.2; done; exit 1'
  podman_run --rootfs "$ROOTFS" sh -c "$ask"
  [ ! -e "$WORK/ran" ]
  grep -q root: "$WORK/podman.out"
  not podman_run --annotation org.agentsafe.egress=on --rootfs "$ROOTFS" sh -c "$ask"
  [ -e "$WORK/ran" ]
  grep -q 'refused' "$WORK/podman.err"
  not podman_run --annotation org.agentsafe.egress=on --cap-add NET_RAW --rootfs "$ROOTFS" true
}
