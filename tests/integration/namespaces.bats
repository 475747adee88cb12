load helpers

@test "each namespace of config.json is new, the others are the host's" {
  launch
  local kind
  for kind in pid net ipc uts mnt; do
    [ "$(namespace_of "$(pid_of)" $kind)" != "$(readlink /proc/self/ns/$kind)" ] || { echo "$kind is the host's"; return 1; }
  done
  for kind in user cgroup time; do equal "$(readlink /proc/self/ns/$kind)" "$(namespace_of "$(pid_of)" $kind)"; done
}

@test "a namespace that is left out is the host's" {
  local kind name
  for kind in network:net ipc:ipc pid:pid; do
    name=${kind#*:}
    jq --arg k "${kind%:*}" '.linux.namespaces |= map(select(.type != $k)) | .process.args = ["readlink", "/proc/self/ns/'"$name"'"]
      | if $k == "network" then .mounts |= map(if .destination == "/sys" then {destination: "/sys", type: "bind", source: "/sys", options: ["rbind", "ro"]} else . end) else . end' \
      --arg k "${kind%:*}" "$CONFIG" >"$WORK/c"
    cp "$CONFIG" "$WORK/saved" && cp "$WORK/c" "$CONFIG"
    run_bundle
    cp "$WORK/saved" "$CONFIG"
    succeeded
    is "$(readlink "/proc/self/ns/$name")"
  done
}

@test "the command is process 1 of a new pid namespace and sees no other" {
  script 'echo $$; ls -d /proc/[0-9]* | grep -c .'
  run_bundle
  equal 1 "${lines[0]}"
}

@test "the loopback interface of a new network namespace is up" {
  script 'ip addr show lo; ls /sys/class/net'
  run_bundle
  succeeded
  says "127.0.0.1/8"
  [[ $output == *"LOOPBACK,UP"* ]]
}

@test "a network namespace can be joined by its path" {
  unshare -n sleep 300 3>&- 4>&- &
  HELPERS=$!
  eventually other_net "$HELPERS"
  script 'readlink /proc/self/ns/net' '(.linux.namespaces[] | select(.type == "network")).path = $p' --arg p "/proc/$HELPERS/ns/net"
  run_bundle
  succeeded
  is "$(namespace_of "$HELPERS" net)"
}
other_net() { [ "$(namespace_of "$1" net)" != "$(readlink /proc/self/ns/net)" ]; }

@test "each kind of namespace can be joined" {
  local kind name
  launch
  cp -a "$BUNDLE" "$WORK/second"
  for kind in network:net ipc:ipc uts:uts pid:pid; do
    name=${kind#*:}
    jq --arg k "${kind%:*}" --arg p "/proc/$(pid_of)/ns/$name" '(.linux.namespaces[] | select(.type == $k)).path = $p
      | .process.args = ["readlink", "/proc/self/ns/'"$name"'"] | .linux.cgroupsPath += "-2" | if $k == "uts" then del(.hostname) else . end' \
      "$CONFIG" >"$WORK/second/config.json"
    run_rt run --bundle "$WORK/second" "$CID-2"
    succeeded
    is "$(namespace_of "$(pid_of)" "$name")"
  done
}

@test "a namespace path of the wrong kind, or missing, is an error" {
  edit '(.linux.namespaces[] | select(.type == "network")).path = "/proc/self/ns/uts"'
  run_bundle
  refuses_briefly
  edit '(.linux.namespaces[] | select(.type == "network")).path = "/no/such/ns"'
  run_bundle
  refuses_briefly
  edit '(.linux.namespaces[] | select(.type == "network")).path = "/etc/passwd"'
  run_bundle
  refuses_briefly
  no_leftovers
}

@test "a namespace that is named twice or unknown is refused" {
  edit '.linux.namespaces += [{type: "pid"}]'
  run_bundle
  is_crun || failed 1
  edit '.linux.namespaces[-1] = {type: "nosuch"}'
  run_bundle
  failed 1
}

@test "a cgroup namespace has the container's cgroup as its root" {
  command_is cat /proc/self/cgroup
  edit '.linux.namespaces += [{type: "cgroup"}]'
  run_bundle
  succeeded
  [[ $output != *"$CID"* ]]
  if on_cgroup_v2; then is "0::/"; else says "pids:/"; fi
}

@test "time offsets are set in a time namespace" {
  is_agentsafe || skip "newer than Debian's runtimes"
  [ -e /proc/self/ns/time ] || skip "the host has no time namespaces"
  script 'cut -d. -f1 /proc/uptime; readlink /proc/self/ns/time' '.linux.namespaces += [{type: "time"}]
    | .linux.timeOffsets = {monotonic: {secs: 7881, nanosecs: 2718}, boottime: {secs: 1337000, nanosecs: 3}}'
  run_bundle
  succeeded
  (( ${lines[0]} > 1337000 ))
  [ "${lines[1]}" != "$(readlink /proc/self/ns/time)" ]
  launch
  in_container readlink /proc/self/ns/time
  is "$(namespace_of "$(pid_of)" time)"
}

@test "time offsets without a time namespace are refused" {
  is_agentsafe || skip "newer than Debian's runtimes"
  edit '.linux.timeOffsets = {monotonic: {secs: 1}}'
  run_bundle
  refuses_briefly
}

@test "System V and POSIX message queues are the container's own" {
  require_kernel 5.0
  script 'ls -A /dev/mqueue | wc -l; touch /dev/mqueue/mine 2>/dev/null; ls -A /dev/mqueue'
  run_bundle
  succeeded
  equal 0 "${lines[0]}"
}

# in_own_mounts SCRIPT: what the host's mount namespace is to the runtime, is one of ours here
in_own_mounts() {
  script 'readlink /proc/self/ns/mnt; grep -c . /proc/self/mountinfo; ls /; echo in >/tmp/out; sleep 1000'
  edit '.linux.namespaces |= map(select(.type != "mount"))'
  export -f rt in_the_hosts_mounts mounts_below
  export RUNTIME ROOT RUNTIME_FLAGS BUNDLE CID WORK
  run unshare --mount --propagation private bash -euc "$1"
}
mounts_below() { awk -v below="$BUNDLE/rootfs" 'index($5, below) == 1' /proc/self/mountinfo | wc -l; }
in_the_hosts_mounts() { # SHARED? : run, look, exec, end
  rt run --detach --bundle "$BUNDLE" --pid-file "$WORK/pid" "$CID" </dev/null >"$WORK/out" 2>"$WORK/err" || { cat "$WORK/err"; exit 1; }
  until [ -e "$BUNDLE/rootfs/tmp/out" ]; do kill -0 "$(cat "$WORK/pid")"; sleep 0.05; done
  [ "$(readlink "/proc/$(cat "$WORK/pid")/ns/mnt")" = "$(readlink /proc/self/ns/mnt)" ]
  [ "$(mounts_below)" -gt 5 ]
  [ "$(rt exec "$CID" readlink /proc/self/ns/mnt)" = "$(readlink /proc/self/ns/mnt)" ]
  [ "$(rt exec "$CID" stat -c %i /)" = "$(stat -c %i "$BUNDLE/rootfs")" ]
  rt delete --force "$CID"
  [ "$(mounts_below)" = "$1" ]
}

@test "without a mount namespace the mounts lie in the host's, exec finds the root, and delete takes them away" {
  is_agentsafe || skip "runc leaves them"
  in_own_mounts 'in_the_hosts_mounts 0'
  succeeded
  in_own_mounts 'mount --make-rshared /; in_the_hosts_mounts 0'
  succeeded
  in_own_mounts 'mount --bind "$BUNDLE/rootfs" "$BUNDLE/rootfs"; in_the_hosts_mounts 1'  # what lay there stays
  succeeded
}

@test "a container may inherit every namespace: exec reaches its root" {
  is_agentsafe || skip "runc leaves the mounts"
  edit '.linux.namespaces = [] | del(.hostname) | .mounts |= map(select(.type == "proc" or .type == "tmpfs"))'
  in_own_mounts 'rt run --detach --bundle "$BUNDLE" "$CID" </dev/null >/dev/null 2>"$WORK/err" || { cat "$WORK/err"; exit 1; }
    [ "$(rt exec "$CID" stat -c %i /)" = "$(stat -c %i "$BUNDLE/rootfs")" ]
    for kind in pid net ipc uts mnt; do [ "$(rt exec "$CID" readlink "/proc/self/ns/$kind")" = "$(readlink "/proc/self/ns/$kind")" ]; done
    rt delete --force "$CID"; [ "$(mounts_below)" = 0 ]'
  succeeded
}

@test "a create without a mount namespace that fails leaves no mount in the host's" {
  is_agentsafe || skip "runc leaves them"
  edit '.mounts += [{destination: "/data", type: "bind", source: "/nonexistent", options: ["bind"]}]'
  in_own_mounts 'rt run --bundle "$BUNDLE" "$CID" </dev/null 2>"$WORK/err" && exit 9; cat "$WORK/err"; [ "$(mounts_below)" = 0 ]'
  succeeded
  says "/nonexistent"
}

@test "policies refuse the host's mount namespace, and so does a user namespace" {
  is_agentsafe || skip "about agentsafe"
  edit '.linux.namespaces |= map(select(.type != "mount"))'
  RUNTIME_FLAGS="--policy strict" run_bundle
  failed
  complains "share the host's mount namespace"
  edit '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
  run_bundle
  failed
  complains "a user namespace needs a mount namespace"
}

@test "two containers over one root in the host's mount namespace: none takes the other's mounts away" {
  is_agentsafe || skip "runc leaves them"
  in_own_mounts 'start() { rt run --detach --bundle "$BUNDLE" "$1" </dev/null >/dev/null 2>"$WORK/err" || { cat "$WORK/err"; exit 1; }; }
    start "$CID"; first=$(mounts_below)
    jq ".linux.cgroupsPath += \"-2\"" "$BUNDLE/config.json" >"$WORK/config" && cp "$WORK/config" "$BUNDLE/config.json"
    start "$CID-2"; both=$(mounts_below); [ "$both" -gt "$first" ]
    rt delete --force "$CID" 2>"$WORK/err"; cat "$WORK/err"; [ "$(mounts_below)" = "$both" ]
    rt exec "$CID-2" ls /proc/self/status; rt delete --force "$CID-2"; [ "$(mounts_below)" = "$first" ]'
  succeeded
  says "something is mounted over them"
}

@test "checkpoint and restore refuse a container without a mount namespace" {
  is_agentsafe || skip "about agentsafe"
  in_own_mounts 'rt run --detach --bundle "$BUNDLE" "$CID" </dev/null >/dev/null 2>"$WORK/err" || { cat "$WORK/err"; exit 1; }
    rt checkpoint --image-path "$WORK/images" "$CID" 2>&1 && exit 9
    rt delete --force "$CID"
    rt restore --image-path "$WORK/images" --bundle "$BUNDLE" "$CID" 2>&1 && exit 9
    [ "$(mounts_below)" = 0 ]; [ ! -e "$ROOT/$CID" ]'
  succeeded
  says "checkpoint: the container has no mount namespace"
  says "restore: the container has no mount namespace"
}
