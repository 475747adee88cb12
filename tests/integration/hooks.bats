load helpers

# A hook that appends its name, its arguments and what it reads to $WORK/hooks.
make_hook() {
  cat >"$WORK/hook" <<SH
#!/bin/sh
echo "\$1 \$(cat)" >>$WORK/hooks
echo "\$1 cwd=\$(pwd) argv0=\$0 env=\$HOOKVAR" >>$WORK/details
SH
  chmod +x "$WORK/hook"
  # the hooks that run inside see this path too
  mkdir -p "$ROOTFS/hooks"
  cat >"$ROOTFS/hooks/inside" <<'SH'
#!/bin/sh
echo "$1 $(cat)" >>/hooks/log
SH
  chmod +x "$ROOTFS/hooks/inside"
}
all_hooks() {
  make_hook
  edit '.hooks = (["prestart", "createRuntime", "createContainer", "poststart", "poststop"] | map({key: ., value: [{path: $h, args: ["hook", .], env: ["HOOKVAR=" + ., "PATH=/bin:/usr/bin"]}]}) | from_entries)
    | .hooks.startContainer = [{path: "/hooks/inside", args: ["inside", "startContainer"], env: ["PATH=/bin"]}]' --arg h "$WORK/hook"
}
hook_names() { cut -d' ' -f1 "$WORK/hooks" | paste -sd' '; }
state_given_to() { grep "^$1 " "$WORK/hooks" | cut -d' ' -f2-; }

@test "the six hooks run at their time and in their order" {
  is_runc && skip "runc 1.1.5 runs poststart at create"
  all_hooks
  script 'echo command >>/hooks/log; sleep 1000'
  create
  equal "prestart createRuntime createContainer" "$(hook_names)"
  [ ! -e "$ROOTFS/hooks/log" ]
  start
  eventually file_says "$ROOTFS/hooks/log" command
  equal "startContainer command" "$(cut -d' ' -f1 "$ROOTFS/hooks/log" | paste -sd' ')"
  equal "prestart createRuntime createContainer poststart" "$(hook_names)"
  rt delete --force "$CID"
  equal "prestart createRuntime createContainer poststart poststop" "$(hook_names)"
}

@test "hooks get the state on stdin" {
  all_hooks
  edit '.annotations = {"key/a": "v"} | .process.args = ["sleep", "1000"]'
  create
  start
  local pid name
  pid=$(pid_of)
  rt delete --force "$CID"
  for name in prestart createRuntime createContainer poststart poststop; do
    equal "$CID" "$(state_given_to $name | jq -r .id)"
    equal "$BUNDLE" "$(state_given_to $name | jq -r .bundle)"
    equal v "$(state_given_to $name | jq -r '.annotations["key/a"]')"
    equal string "$(state_given_to $name | jq -r '.ociVersion | type')"
  done
  for name in prestart createRuntime poststart; do equal "$pid" "$(state_given_to $name | jq .pid)"; done
  is_agentsafe || return 0
  equal created "$(state_given_to prestart | jq -r .status)" # config.md#prestart: after the start operation
  equal creating "$(state_given_to createRuntime | jq -r .status)"
  equal running "$(state_given_to poststart | jq -r .status)"
  equal stopped "$(state_given_to poststop | jq -r .status)"
  equal created "$(sed -n 's/^startContainer //p' "$ROOTFS/hooks/log" | jq -r .status)" || equal creating "$(sed -n 's/^startContainer //p' "$ROOTFS/hooks/log" | jq -r .status)"
}

@test "hooks get their args and exactly their env" {
  cat >"$WORK/hook" <<SH
#!/bin/sh
tr '\0' '|' </proc/\$\$/cmdline >$WORK/cmdline
tr '\0' '\n' </proc/\$\$/environ | sort >$WORK/environ
SH
  chmod +x "$WORK/hook"
  edit '.hooks = {createRuntime: [{path: $h, args: ["zero", "one two", ""], env: ["A=b", "PATH=/usr/bin:/bin"]}]}' --arg h "$WORK/hook"
  SECRET=x create
  equal $'A=b\nPATH=/usr/bin:/bin' "$(cat "$WORK/environ")"
  grep -q '|one two||$' "$WORK/cmdline"
}

@test "createRuntime runs in the runtime's namespaces, createContainer in the container's, startContainer inside its root" {
  cat >"$WORK/hook" <<SH
#!/bin/sh
readlink /proc/self/ns/mnt >$WORK/\$1.mnt
readlink /proc/self/ns/net >$WORK/\$1.net
SH
  chmod +x "$WORK/hook"
  edit '.hooks = {createRuntime: [{path: $h, args: ["h", "createRuntime"], env: ["PATH=/usr/bin:/bin"]}], createContainer: [{path: $h, args: ["h", "createContainer"], env: ["PATH=/usr/bin:/bin"]}]}' --arg h "$WORK/hook"
  create
  equal "$(readlink /proc/self/ns/net)" "$(cat "$WORK/createRuntime.net")"
  equal "$(namespace_of "$(pid_of)" net)" "$(cat "$WORK/createContainer.net")"
  equal "$(namespace_of "$(pid_of)" mnt)" "$(cat "$WORK/createContainer.mnt")"
}

@test "a failing hook before the start stops the container, and poststop runs" {
  make_hook
  local name
  for name in prestart createRuntime createContainer; do
    rm -f "$WORK/hooks"
    edit '.hooks = {($n): [{path: "/bin/sh", args: ["sh", "-c", "echo because >&2; exit 3"]}], poststop: [{path: $h, args: ["hook", "poststop"], env: ["PATH=/bin:/usr/bin"]}]}' --arg n $name --arg h "$WORK/hook"
    run_bundle
    failed 1
    is_crun || is_runc || complains "$name"
    ! is_agentsafe || { complains because; equal poststop "$(hook_names)"; }
    no_leftovers
  done
}

@test "a failing startContainer hook stops the container" {
  script 'echo ran >/tmp/ran' '.hooks = {startContainer: [{path: "/bin/false"}]}'
  run_bundle
  failed 1
  [ ! -e "$ROOTFS/tmp/ran" ]
}

@test "a failing poststart hook only warns" {
  is_agentsafe || skip "the spec's words; others stop"
  script 'exit 5' '.hooks = {poststart: [{path: "/bin/false"}]}'
  run_bundle
  failed 5
}

@test "every poststop hook runs although one fails" {
  make_hook
  script true '.hooks = {poststop: [{path: "/bin/false"}, {path: $h, args: ["hook", "second"], env: ["PATH=/bin:/usr/bin"]}]}' --arg h "$WORK/hook"
  run_bundle
  is_agentsafe || skip "others stop at the first"
  succeeded
  equal second "$(hook_names)"
}

@test "hooks of one kind run in order" {
  make_hook
  script true '.hooks = {createRuntime: [range(5) | {path: $h, args: ["hook", "n\(.)"], env: ["PATH=/bin:/usr/bin"]}]}' --arg h "$WORK/hook"
  run_bundle
  succeeded
  equal "n0 n1 n2 n3 n4" "$(hook_names)"
}

@test "a hook that takes longer than its timeout is killed and fails" {
  script true '.hooks = {createRuntime: [{path: "/bin/sleep", args: ["sleep", "50"], timeout: 1}]}'
  local before=$SECONDS
  run_bundle
  failed 1
  (( SECONDS - before < 20 ))
  no_leftovers
}

@test "a hook that does not read its stdin is fine" {
  script true '.hooks = {createRuntime: [{path: "/bin/true"}]} | .annotations = {big: ("x" * 300000)}'
  run_bundle
  succeeded
}

@test "a hook with a relative path, a missing one and a zero timeout are refused" {
  edit '.hooks = {createRuntime: [{path: "bin/true"}]}'
  run_bundle
  is_crun || failed 1
  edit '.hooks = {createRuntime: [{path: "/no/such/hook"}]}'
  run_bundle
  refuses_briefly
  edit '.hooks = {createRuntime: [{path: "/bin/true", timeout: 0}]}'
  run_bundle
  is_agentsafe || return 0
  failed 1
}

@test "a hook leaves no descriptor of the runtime behind and gets none" {
  cat >"$WORK/hook" <<SH
#!/bin/sh
exec $PROBE fds >$WORK/listing
SH
  chmod +x "$WORK/hook"
  script true '.hooks = {createRuntime: [{path: $h, env: ["PATH=/usr/bin:/bin"]}]}' --arg h "$WORK/hook"
  run_bundle
  succeeded
  equal "0 1 2 " "$(cut -d' ' -f1 "$WORK/listing" | tr '\n' ' ')"
}

@test "prestart hooks see the container's network namespace through its pid" {
  cat >"$WORK/hook" <<SH
#!/bin/sh
pid=\$(jq .pid)
nsenter -t \$pid -n ip link add dummy0 type dummy 2>/dev/null || nsenter -t \$pid -n ip link set lo mtu 1400
SH
  chmod +x "$WORK/hook"
  script 'cat /sys/class/net/lo/mtu; ls /sys/class/net' '.hooks = {prestart: [{path: $h, env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]}]}' --arg h "$WORK/hook"
  run_bundle
  succeeded
  [[ $output == *dummy0* || $output == *1400* ]]
}

@test "createRuntime hooks find the limits set and the mounts made, createContainer hooks the host's root" {
  is_agentsafe || is_runc || skip "crun sets limits later"
  if on_cgroup_v2; then require_v2_controller pids; else require_v1_controller pids; fi
  cat >"$WORK/runtime" <<SH
#!/bin/sh
cat $(cgroup_dir pids)/pids.max >$WORK/limit
grep -c $ROOTFS/proc "/proc/\$(jq .pid)/mountinfo" >$WORK/mounts
SH
  cat >"$WORK/container" <<SH
#!/bin/sh
ls -d $WORK /etc/hostname >$WORK/inside
grep -c $ROOTFS/proc /proc/self/mountinfo >>$WORK/inside
SH
  chmod +x "$WORK/runtime" "$WORK/container"
  edit '.linux.resources.pids = {limit: 77} | .hooks = {createRuntime: [{path: ($w + "/runtime"), env: ["PATH=/usr/bin:/bin"]}],
    createContainer: [{path: ($w + "/container"), env: ["PATH=/usr/bin:/bin"]}]}' --arg w "$WORK"
  create
  equal 77 "$(cat "$WORK/limit")"
  equal 1 "$(cat "$WORK/mounts")"
  equal "/etc/hostname"$'\n'"$WORK"$'\n1' "$(cat "$WORK/inside")"
}

@test "poststop hooks run when the cgroup and the state are gone" {
  is_agentsafe || is_runc || skip "crun's order is another"
  script true '.hooks = {poststop: [{path: "/bin/sh", args: ["sh", "-c", "ls -d \($d) \($s) >\($w)/left 2>/dev/null; echo ran >>\($w)/left"]}]}' \
    --arg d "$(cgroup_dir pids)" --arg s "$ROOT/$CID" --arg w "$WORK"
  run_bundle
  succeeded
  equal ran "$(cat "$WORK/left")"
}

@test "a startContainer hook without env has the container's" {
  is_agentsafe || is_runc || skip "as runc"
  script true '.process.env += ["MARK=of the container"] | .hooks = {startContainer: [
    {path: "/bin/sh", args: ["sh", "-c", "echo $MARK >/tmp/one"]}, {path: "/bin/sh", args: ["sh", "-c", "echo $MARK >/tmp/two"], env: ["MARK=own"]}]}'
  run_bundle
  succeeded
  equal "of the container" "$(cat "$ROOTFS/tmp/one")"
  equal own "$(cat "$ROOTFS/tmp/two")"
}

@test "inside, the state that hooks get has the pid of the container's namespace" {
  is_agentsafe || skip "others give the host's"
  script 'exec sleep 1000' '.hooks = {startContainer: [{path: "/bin/sh", args: ["sh", "-c", "cat >/tmp/state"]}]}'
  launch
  equal 1 "$(jq .pid "$ROOTFS/tmp/state")"
}

@test "the error of a failing hook names its kind, its number, its output and its status" {
  is_agentsafe || is_runc || skip "as runc"
  script true '.hooks = {createRuntime: [{path: "/bin/true"}, {path: "/bin/sh", args: ["sh", "-c", "echo because; exit 3"]}]}'
  run_bundle
  failed 1
  complains "error running createRuntime hook #1: "
  is_agentsafe || return 0
  complains because
  complains 3
}
