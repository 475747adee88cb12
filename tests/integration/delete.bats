load helpers

@test "delete removes a stopped container" {
  script true
  launch
  await_status stopped
  run_rt delete "$CID"
  succeeded
  silent
  no_leftovers
}

@test "delete removes a created container" {
  create
  run_rt delete "$CID"
  succeeded
  no_leftovers
}

@test "delete refuses a running container" {
  launch
  run_rt delete "$CID"
  failed 1
  is_crun || complains "cannot delete container $CID that is not stopped: running"
  equal running "$(status)"
}

@test "delete refuses a paused container" {
  launch
  rt pause "$CID"
  run_rt delete "$CID"
  failed 1
  equal paused "$(status)"
}

@test "delete --force ends and removes a running container" {
  launch
  run_rt delete --force "$CID"
  succeeded
  no_leftovers
}

@test "delete --force ends and removes a paused container" {
  launch
  rt pause "$CID"
  run_rt delete -f "$CID"
  succeeded
  no_leftovers
}

@test "delete of a missing container fails, with --force it succeeds" {
  run_rt delete missing
  failed 1
  complains "does not exist"
  run_rt delete --force missing
  succeeded
}

@test "delete removes cgroups that the container made below its own" {
  on_cgroup_v2 && local dir=/sys/fs/cgroup/$CID/sub || local dir=/sys/fs/cgroup/pids/$CID/sub
  launch
  mkdir -p "$dir/deeper"
  rt exec "$CID" true
  run_rt delete --force "$CID"
  succeeded
  no_leftovers
}

@test "delete --force kills what runs in cgroups below the container's" {
  script 'sleep 1000' 'del(.linux.namespaces[] | select(.type == "pid"))'
  launch
  on_cgroup_v2 && local dir=/sys/fs/cgroup/$CID/sub || local dir=/sys/fs/cgroup/pids/$CID/sub
  mkdir "$dir"
  (AGENTSAFE_TEST=$CID exec setsid --fork sh -c 'echo $$ >"$1/cgroup.procs"; exec sleep 400' - "$dir" 3>&- 4>&- >"$WORK/out" 2>&1)
  eventually file_says "$dir/cgroup.procs" .
  run_rt delete --force "$CID"
  succeeded
  eventually nothing_runs
  no_leftovers
}

@test "delete copes with a cgroup that is gone already" {
  script true
  launch
  await_status stopped
  eventually sweep_cgroups
  run_rt delete "$CID"
  succeeded
}
@test "delete removes a half made state folder" {
  is_agentsafe || skip "looks into agentsafe's own state"
  mkdir -p "$ROOT/$CID"
  run_rt delete --force "$CID"
  succeeded
  [ ! -e "$ROOT/$CID" ]
}

@test "delete survives a truncated state file" {
  is_agentsafe || skip "looks into agentsafe's own state"
  create
  local pid
  pid=$(pid_of)
  truncate -s 10 "$ROOT/$CID/state.json"
  run_rt delete --force "$CID"
  succeeded
  [ ! -e "$ROOT/$CID" ]
  kill -KILL "$pid" 2>/dev/null || :
}

@test "an id can be used again after delete" {
  local n
  for n in 1 2 3; do
    create
    rt delete "$CID"
  done
  no_leftovers
}

@test "delete leaves the bundle as it was" {
  script 'true' '.mounts += [{destination: "/etc/passwd", type: "bind", source: "/etc/hostname", options: ["bind", "ro"]}]'
  (cd "$BUNDLE" && find . -type f -not -path './rootfs/bin/*' -exec md5sum {} + | sort) >"$WORK/before"
  launch
  await_status stopped
  rt delete "$CID"
  (cd "$BUNDLE" && find . -type f -not -path './rootfs/bin/*' -exec md5sum {} + | sort) >"$WORK/after"
  diff "$WORK/before" "$WORK/after"
}

@test "delete --regex removes every container whose id matches" {
  is_agentsafe || skip "as crun, which matches any part of an id"
  local id
  for id in "$CID-a" "$CID-b" "other-$CID"; do
    edit '.linux.cgroupsPath = $c' --arg c "/$CID-${id:0:5}${id: -2}"
    rt create --bundle "$BUNDLE" "$id" </dev/null >"$WORK/out" 2>&1
  done
  run_rt delete --regex "$CID-[ab]"
  succeeded
  equal "other-$CID" "$(rt list --quiet)"
  run_rt delete --force --regex "nothing-.*"
  succeeded
  run_rt delete --force --regex ".*"
  succeeded
  no_leftovers
}
