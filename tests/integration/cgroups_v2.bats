# Cgroup version 2 where it is the only one. Elsewhere the runtime is shown a fresh cgroup2 mount in a mount namespace of its
# own: no controllers, but everything that is not one. Limits: resources.bats and cgroups.bats, in the virtual machine.
load helpers

setup() {
  is_agentsafe || skip "about agentsafe"
  setup_bundle
  TREE=/sys/fs/cgroup
  on_cgroup_v2 && return
  TREE=$(awk '$3 == "cgroup2" {print $2; exit}' /proc/mounts)
  [ -n "$TREE" ] || skip "the host has no cgroup2 mount"
  mkdir "$WORK/v2"
  cat >"$WORK/v2/agentsafe" <<SH
#!/bin/sh
exec unshare -m --propagation private sh -c 'mount -t cgroup2 none /sys/fs/cgroup && exec "\$@"' - $RUNTIME "\$@"
SH
  chmod +x "$WORK/v2/agentsafe"
  RUNTIME=$WORK/v2/agentsafe
}
teardown() { if is_agentsafe && [ -d "${WORK:-}" ]; then finish; fi; }

place() { echo "$TREE/$CID"; }
inside_of() { edit '.linux.cgroupsPath = $c' --arg c "/$CID/inner"; } # a cgroup above the container's, to play with
frozen() { grep -q "^frozen $1$" "$(place)/${2:-}/cgroup.events"; }
# bounded ARGUMENTS…: a command that hangs has failed.
bounded() {
  status=0
  timeout 15 "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS "$@" </dev/null >"$WORK/run.out" 2>"$WORK/run.err" 3>&- 4>&- || status=$?
  output=$(cat "$WORK/run.out")
  stderr=$(cat "$WORK/run.err")
  [ "$status" -ne 124 ] || { echo "took more than 15 s: $*" >&2; return 1; }
}

@test "a container lives through all verbs in its cgroup of version 2 alone" {
  create
  grep -qx "0::/$CID" "/proc/$(pid_of)/cgroup"
  start
  in_container grep :: /proc/self/cgroup
  succeeded
  says "/$CID"
  equal "$(pid_of)" "$(rt ps --format json "$CID" | jq '.[]')"
  rt pause "$CID"
  frozen 1
  equal paused "$(status)"
  rt resume "$CID"
  frozen 0
  rt kill "$CID" KILL
  await_status stopped
  rt delete "$CID"
  [ ! -d "$(place)" ]
}

@test "create below a frozen cgroup is refused at once" {
  mkdir "$(place)"
  echo 1 >"$(place)/cgroup.freeze"
  inside_of
  bounded run --bundle "$BUNDLE" "$CID"
  refuses_briefly
  complains "container's cgroup unexpectedly frozen"
  [ ! -d "$(place)/inner" ]
  echo 0 >"$(place)/cgroup.freeze"
  rmdir "$(place)"
}

@test "create below a threaded cgroup is refused, with the reason" {
  mkdir "$(place)"
  echo threaded >"$(place)/cgroup.type"
  inside_of
  bounded run --bundle "$BUNDLE" "$CID"
  refuses_briefly
  complains 'cgroup.type is \"domain invalid\": a cgroup above it is threaded'
  [ ! -d "$(place)/inner" ]
  rmdir "$(place)"
}

@test "exec enters a container that has threaded cgroups below its own" {
  launch
  mkdir "$(place)/threads"
  echo threaded >"$(place)/threads/cgroup.type"
  equal "domain threaded" "$(cat "$(place)/cgroup.type")"
  bounded exec "$CID" grep :: /proc/self/cgroup
  succeeded
  says "/$CID"
}

@test "exec follows the first process into a cgroup below, and ps and kill see all of them" {
  launch
  mkdir "$(place)/init" "$(place)/other"
  pid_of >"$(place)/init/cgroup.procs"
  rt exec --detach --pid-file "$WORK/exec.pid" "$CID" sleep 300 </dev/null >/dev/null 2>&1
  equal 2 "$(rt ps --format json "$CID" | jq length)"
  cat "$WORK/exec.pid" >"$(place)/other/cgroup.procs"
  equal 2 "$(rt ps --format json "$CID" | jq length)"
  bounded delete --force "$CID"
  succeeded
  eventually gone "$(cat "$WORK/exec.pid")"
  [ ! -d "$(place)" ]
}

@test "create into a cgroup whose processes are all below it is refused" {
  mkdir -p "$(place)/below"
  occupy "$(place)/below"
  bounded create --bundle "$BUNDLE" "$CID"
  vacate
  eventually rmdir "$(place)/below"
  rmdir "$(place)"
  refuses_briefly
  complains "container's cgroup is not empty: 1 process(es) found"
}

@test "below a cgroup with processes of its own a container works" {
  mkdir "$(place)"
  occupy "$(place)"
  inside_of
  script 'grep :: /proc/self/cgroup'
  bounded run --bundle "$BUNDLE" "$CID"
  vacate
  eventually rmdir "$(place)"
  succeeded
  says "/$CID/inner"
}

@test "the kernel takes device rules that leave later ones unreached" {
  script 'head -c 1 /dev/null && echo opened'
  edit '.linux.resources.devices = [{allow: true, access: "rwm"}]'
  bounded run --bundle "$BUNDLE" "$CID"
  succeeded
  says opened
  edit '.linux.resources.devices = [{allow: true, type: "c", major: 10, minor: 229, access: "rwm"}, {allow: false, access: "rwm"}]'
  bounded run --bundle "$BUNDLE" "$CID"
  succeeded
  says opened
}

@test "a container that a frozen cgroup above holds is not entered, and can be deleted" {
  mkdir "$(place)"
  inside_of
  launch
  echo 1 >"$(place)/cgroup.freeze"
  eventually frozen 1 inner
  bounded exec "$CID" true
  failed 255
  complains "a frozen cgroup above its own holds"
  bounded delete --force "$CID"
  succeeded
  echo 0 >"$(place)/cgroup.freeze"
  eventually gone "$(pid_of)"
  [ ! -d "$(place)/inner" ]
  rmdir "$(place)"
}

@test "pause and resume hold against processes that fork all the time, and against thawing from outside" {
  script 'while :; do (:) & (:) & wait; done'
  launch
  local round thawer end=$((SECONDS + 5))
  for round in $(seq $((ROUNDS / 10))); do
    bounded pause "$CID"
    succeeded
    frozen 1
    bounded resume "$CID"
    succeeded
    frozen 0
    (( SECONDS < end )) || break
  done
  (while [ -d "$(place)" ]; do echo 0 >"$(place)/cgroup.freeze"; done) 2>/dev/null 3>&- 4>&- &
  thawer=$!
  HELPERS="${HELPERS:-} $thawer"
  for round in 1 2 3; do
    bounded pause "$CID" # done before it was thawed, or an error: never a hang
    [ "$status" -eq 0 ] || refuses_briefly
  done
  bounded delete --force "$CID"
  succeeded
  wait "$thawer" || :
}
