load helpers

# Annotations of crun (crun(1)).
annotate() { edit '.annotations[$n] = $v' --arg n "$1" --arg v "$2"; }
groups_inside() { sed -n 's/^Groups:[[:space:]]*//p' "$WORK/out" | sed 's/ *$//'; }
launch_with_groups() { # as root with the further groups 4242 and 4343
  setpriv --groups 4242,4343 "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS run --bundle "$BUNDLE" "$CID" </dev/null >"$WORK/out" 2>"$WORK/err" 3>&- 4>&-
}

@test "run.oci.keep_original_groups keeps the caller's groups, and 0 does not" {
  is_runc && skip "crun's annotation"
  script 'grep ^Groups /proc/self/status'
  launch_with_groups
  equal "" "$(groups_inside)"
  annotate run.oci.keep_original_groups 1
  edit '.process.user.additionalGids = [99]'
  launch_with_groups
  equal "4242 4343" "$(groups_inside)"
  annotate run.oci.keep_original_groups 0
  launch_with_groups
  equal "99" "$(groups_inside)"
}

@test "exec keeps the groups of its own caller too" {
  is_agentsafe || skip "about agentsafe"
  annotate run.oci.keep_original_groups 1
  launch
  setpriv --groups 4242 "$RUNTIME" --root "$ROOT" exec "$CID" grep ^Groups /proc/self/status >"$WORK/out" 3>&- 4>&-
  equal "4242" "$(groups_inside)"
}

@test "run.oci.hooks.stdout and .stderr take what the six hooks print" {
  is_agentsafe || skip "crun redirects only some of them"
  printf '#!/bin/sh\necho "out of $1"\necho "err of $1" >&2\n' >"$WORK/hook"
  chmod 755 "$WORK/hook"
  cp "$WORK/hook" "$ROOTFS/hook"
  edit '.hooks = (["prestart", "createRuntime", "createContainer", "poststart", "poststop"] | map({key: ., value: [{path: $h, args: ["hook", .]}]}) | from_entries)
    | .hooks.startContainer = [{path: "/hook", args: ["hook", "startContainer"]}]' --arg h "$WORK/hook"
  echo before >"$WORK/hooks.out"
  annotate run.oci.hooks.stdout "$WORK/hooks.out"
  annotate run.oci.hooks.stderr "$WORK/hooks.err"
  script 'probe fds'
  create
  start
  await_status stopped
  equal 3 "$(grep -c . "$WORK/out")"
  rt delete "$CID"
  equal "before prestart createRuntime createContainer startContainer poststart poststop" \
    "$(sed 's/^out of //' "$WORK/hooks.out" | paste -sd' ' | sed 's/poststart startContainer/startContainer poststart/')"
  equal 6 "$(grep -c '^err of ' "$WORK/hooks.err")"
}

@test "without the annotation for stderr it still goes into the error of a failing hook" {
  is_agentsafe || skip "about agentsafe"
  edit '.hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", "echo seen; echo told >&2; exit 3"]}]'
  annotate run.oci.hooks.stdout "$WORK/hooks.out"
  run_bundle
  refuses_briefly
  complains "output: told"
  equal seen "$(cat "$WORK/hooks.out")"
}

@test "an output file of hooks that cannot be opened ends create, with nothing left" {
  is_agentsafe || skip "about agentsafe"
  annotate run.oci.hooks.stdout "$WORK/none/hooks.out"
  run_bundle
  refuses_briefly
  complains "run.oci.hooks.stdout"
  no_leftovers
  annotate run.oci.hooks.stdout relative
  run_bundle
  refuses_briefly
  complains "annotations.run.oci.hooks.stdout: must be an absolute path"
}

notifying() {
  edit '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["personality"], action: "SCMP_ACT_NOTIFY"}]}'
  command_is probe personality
  background agent "$PYTHON" "$TOOLS/seccompagent.py" "$WORK/agent.sock" --answer 42 --count 1
  await_line listening "$WORK/agent"
}

@test "run.oci.seccomp.receiver is the agent where linux.seccomp names none" {
  is_agentsafe || skip "about agentsafe"
  require_kernel 5.9
  notifying
  annotate run.oci.seccomp.receiver "$WORK/agent.sock"
  run_bundle
  succeeded
  is "ret=-1 errno=42"
  equal "$CID" "$(sed -n 's/^state=//p' "$WORK/agent" | jq -r .state.id)"
}

@test "the variable RUN_OCI_SECCOMP_RECEIVER is the agent where neither names one" {
  is_agentsafe || skip "about agentsafe"
  require_kernel 5.9
  notifying
  RUN_OCI_SECCOMP_RECEIVER=$WORK/agent.sock run_bundle
  succeeded
  is "ret=-1 errno=42"
}

@test "run.oci.seccomp_fail_unknown_syscall makes an unknown name an error" {
  is_runc && skip "crun's annotation"
  edit '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["no_such_call"], action: "SCMP_ACT_ERRNO"}]}'
  script 'echo ran'
  run_bundle
  is ran
  annotate run.oci.seccomp_fail_unknown_syscall 1
  run_bundle
  failed 1
  complains no_such_call
  no_leftovers
}

@test "run.oci.seccomp_bpf_data is the filter in the place of linux.seccomp, of exec too" {
  is_runc && skip "crun's annotation"
  [ "$(uname -m)" = x86_64 ] || skip "the number is x86_64's"
  local filter # load nr; personality(135): errno 77; else allow
  filter=$("$PYTHON" -c 'import base64, struct
print(base64.b64encode(b"".join(struct.pack("HBBI", *i) for i in
  [(0x20, 0, 0, 0), (0x15, 0, 1, 135), (6, 0, 0, 0x5004d), (6, 0, 0, 0x7fff0000)])).decode())')
  edit '.linux.seccomp = {defaultAction: "SCMP_ACT_ERRNO"}'
  annotate run.oci.seccomp_bpf_data "$filter"
  launch
  in_container probe personality
  is "ret=-1 errno=77"
  equal $'Seccomp:\t2' "$(grep ^Seccomp: "/proc/$(pid_of)/status")"
  rt delete --force "$CID"
  annotate run.oci.seccomp_bpf_data "not base64!"
  run_bundle
  failed 1
  no_leftovers
}

@test "run.oci.pidfd_receiver is sent a pidfd of the container's process" {
  is_agentsafe || skip "about agentsafe"
  background pidfd "$PYTHON" "$TOOLS/recvtty.py" "$WORK/pidfd.sock" --pidfd
  await_line listening "$WORK/pidfd"
  annotate run.oci.pidfd_receiver "$WORK/pidfd.sock"
  create
  await_line "^Pid:.*$(pid_of)$" "$WORK/pidfd"
}

@test "run.oci.mount_context_type takes its four words" {
  is_agentsafe || skip "about agentsafe"
  local word
  for word in context fscontext defcontext rootcontext; do
    annotate run.oci.mount_context_type $word
    edit '.linux.mountLabel = "system_u:object_r:container_file_t:s0"'
    run_rt create --dry-run --bundle "$BUNDLE" "$CID"
    succeeded
    says "mount: filesystem /dev/shm type=tmpfs source=shm mode=1777 size=65536k $word=system_u:object_r:container_file_t:s0"
  done
  annotate run.oci.mount_context_type nonsense
  run_bundle
  refuses_briefly
  complains 'annotations.run.oci.mount_context_type: \"nonsense\" is unknown'
}

cgroup_mount() { # OPTIONS
  edit '.linux.namespaces += [{type: "cgroup"}] | .mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: $o}]' --argjson o "$1"
}

@test "run.oci.systemd.force_cgroup_v1 mounts the hierarchy name=systemd of version 1 alone" {
  is_agentsafe || is_crun || skip "crun's annotation"
  is_crun && skip "crun refuses hybrid hosts"
  grep -q 'name=systemd' /proc/self/cgroup || skip "the host has no cgroup v1 hierarchy name=systemd"
  annotate run.oci.systemd.force_cgroup_v1 /sys/fs/cgroup
  script 'ls /sys/fs/cgroup; grep " /sys/fs/cgroup" /proc/self/mountinfo | cut -d" " -f4-; mkdir /sys/fs/cgroup/systemd/sub && echo made; echo $$ >/sys/fs/cgroup/systemd/sub/cgroup.procs && grep name=systemd /proc/self/cgroup'
  cgroup_mount '["rw"]'
  edit '.process.capabilities |= map_values(. + ["CAP_SYS_ADMIN"])'
  run_bundle
  succeeded
  equal systemd "${lines[0]}"
  [[ ${lines[1]} == "/ /sys/fs/cgroup rw,nosuid,nodev,noexec"*"- tmpfs tmpfs "* ]]
  [[ ${lines[2]} == "/ /sys/fs/cgroup/systemd rw,nosuid,nodev,noexec"*"- cgroup cgroup "*name=systemd* ]]
  says made
  [[ ${lines[-1]} =~ ^[0-9]+:name=systemd:/sub$ ]]
  edit '.mounts[-1].options = ["ro"]'
  run_bundle
  [[ ${lines[1]} == "/ /sys/fs/cgroup ro,"* && ${lines[2]} == "/ /sys/fs/cgroup/systemd ro,"* ]]
  [[ $output != *made* ]]
  no_leftovers
}

@test "run.oci.systemd.force_cgroup_v1 wants a cgroup namespace and an absolute path, and warns when nothing is mounted there" {
  is_agentsafe || skip "about agentsafe"
  annotate run.oci.systemd.force_cgroup_v1 sys/fs/cgroup
  command_is true
  run_bundle
  refuses_briefly
  complains "annotations.run.oci.systemd.force_cgroup_v1: must be an absolute path"
  annotate run.oci.systemd.force_cgroup_v1 /sys/fs/cgroup
  run_bundle
  succeeded
  complains "mounts has no cgroup at /sys/fs/cgroup"
  cgroup_mount '["rw"]'
  edit '.linux.namespaces |= map(select(.type != "cgroup"))'
  run_bundle
  refuses_briefly
  complains "linux.namespaces must have a cgroup namespace"
  no_leftovers
}

@test "a policy refuses the annotations that reach for the host" {
  is_agentsafe || skip "about agentsafe"
  local name
  edit '.linux.namespaces += [{type: "cgroup"}]'
  for name in hooks.stdout hooks.stderr seccomp.receiver pidfd_receiver seccomp_bpf_data keep_original_groups systemd.force_cgroup_v1; do
    edit '.annotations = {}'
    annotate "run.oci.$name" /tmp/x
    RUNTIME_FLAGS="--policy strict" run_bundle
    refuses_briefly
    complains "annotation run.oci.$name: leave it out"
    complains "policy strict refuses this bundle"
  done
  edit '.annotations = {}'
  annotate run.oci.mount_context_type rootcontext
  RUNTIME_FLAGS="--policy strict" run_bundle
  complains "annotation run.oci.mount_context_type: leave it out"
  no_leftovers
}
