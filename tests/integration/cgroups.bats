# Where the container's cgroup lies, who owns it, what becomes of it. Limits: resources.bats.
load helpers

delegated() { # OPTIONS-OF-THE-MOUNT [UID]: a user namespace and a cgroup namespace, and the cgroup mounted
  edit '.linux.namespaces += [{type: "cgroup"}, {type: "user"}] | .process.user = {uid: $uid, gid: $uid}
    | .mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: $o}]
    | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings' \
    --argjson o "$1" --argjson uid "${2:-0}"
  rm -rf "$ROOTFS" && cp -a "$(rootfs_template)" "$ROOTFS"
  chown -hR 100000:100000 "$ROOTFS"
}
owner() { stat -c %u "$(cgroup_dir x)/$1"; }

@test "on v2 a writable cgroup of an own namespace belongs to the container's user" {
  require_v2
  script 'mkdir /sys/fs/cgroup/sub && echo 0 >/sys/fs/cgroup/sub/cgroup.procs && cat /proc/self/cgroup
    echo "+pids" >/sys/fs/cgroup/cgroup.subtree_control && echo enabled; echo 5 >/sys/fs/cgroup/pids.max && echo raised; exec sleep 100'
  delegated '["rw", "nosuid"]'
  edit '.linux.resources.pids = {limit: 50}'
  launch
  await_line enabled
  grep -qx 0::/sub "$WORK/out"
  equal 100000 "$(owner .)"
  for file in $(cat /sys/kernel/cgroup/delegate); do
    [ ! -e "$(cgroup_dir x)/$file" ] || equal 100000 "$(owner "$file")"
  done
  equal 0 "$(owner pids.max)"
  eventually file_says "$WORK/err" pids.max
  not grep -q raised "$WORK/out"
  in_container cat /proc/self/cgroup
  is 0::/sub
  rt delete --force "$CID"
  no_leftovers
}

@test "on v2 the cgroup belongs to the process's user when that is not root" {
  require_v2
  is_agentsafe || skip "about agentsafe"
  delegated '["rw"]' 1000
  launch
  equal 101000 "$(owner .)"
}

@test "on v2 a read-only cgroup stays root's" {
  require_v2
  script 'mkdir /sys/fs/cgroup/sub || echo refused; exec sleep 100'
  delegated '["ro"]'
  launch
  await_line refused
  equal 0 "$(owner .)"
  equal 0 "$(owner cgroup.procs)"
}

@test "delete removes the cgroups above the container's that create had made" {
  is_agentsafe || skip "others leave them"
  edit '.linux.cgroupsPath = $c + "/slice/inner"' --arg c "/$CID"
  launch
  grep -q "/$CID/slice/inner$" "/proc/$(pid_of)/cgroup"
  rt delete --force "$CID"
  no_leftovers
}

@test "delete leaves a cgroup above the container's that was there before, or is used by another" {
  local parent
  parent=$(cgroup_dir pids)
  mkdir "$parent"
  edit '.linux.cgroupsPath = $c + "/inner"' --arg c "/$CID"
  launch
  mkdir "$parent/neighbour"
  rt delete --force "$CID"
  [ -d "$parent/neighbour" ]
  [ ! -d "$parent/inner" ]
  rmdir "$parent/neighbour" "$parent"
}

@test "a failed create removes the cgroups above the container's again" {
  command_is /no/such/program
  edit '.linux.cgroupsPath = $c + "/slice/inner" | .process.cwd = "/etc/passwd/below"' --arg c "/$CID"
  run_bundle
  failed
  if is_agentsafe; then no_leftovers; else cgroups_named "$CID" | tac | xargs -r rmdir; fi
}

@test "many containers below one cgroup start and end side by side" {
  is_agentsafe || skip "about agentsafe"
  local i pids=()
  for i in 1 2 3 4; do
    new_bundle "$WORK/bundle$i" "$CID"
    jq --arg c "/$CID/parent/$i" '.linux.cgroupsPath = $c | .process.args = ["true"]' "$WORK/bundle$i/config.json" >"$WORK/new"
    mv "$WORK/new" "$WORK/bundle$i/config.json"
    (for _ in 1 2 3 4 5; do rt run --bundle "$WORK/bundle$i" "$CID-$i" </dev/null || exit 1; done) >"$WORK/out$i" 2>&1 3>&- 4>&- &
    pids+=($!)
  done
  for i in 0 1 2 3; do wait "${pids[$i]}" || { cat "$WORK/out$((i + 1))" >&2; return 1; }; done
  cgroups_named "$CID" | tac | xargs -r rmdir # who found the parent there leaves it, though its maker has gone before
  no_leftovers
}

@test "--cgroup-manager=disabled leaves the container in its caller's cgroup" {
  is_runc && skip "runc has no such flag"
  command_is cat /proc/self/cgroup
  run_rt --cgroup-manager=disabled run --bundle "$BUNDLE" "$CID"
  succeeded
  not grep -q "$CID" <<<"$output"
  no_leftovers
}

@test "--cgroup-manager=disabled refuses limits that it cannot enforce, and takes those that lift one" {
  is_agentsafe || skip "crun passes them over"
  command_is true
  edit '.linux.resources.pids = {limit: 20}'
  run_rt --cgroup-manager=disabled run --bundle "$BUNDLE" "$CID"
  refuses_briefly
  complains pids.max
  edit '.linux.resources.pids = {limit: -1} | .linux.resources.memory = {limit: -1}'
  run_rt --cgroup-manager=disabled run --bundle "$BUNDLE" "$CID"
  succeeded
  no_leftovers
}

@test "a container without cgroup is killed with what it started" {
  is_agentsafe || skip "about agentsafe"
  script 'sleep 300 & exec sleep 300'
  rt --cgroup-manager=disabled run --detach --bundle "$BUNDLE" --pid-file "$WORK/pid" "$CID" </dev/null >"$WORK/out" 2>&1
  run_rt pause "$CID"
  refuses_briefly
  rt delete --force "$CID"
  no_leftovers
}

@test "on v2 an init that is killed for its memory limit is reported as such" {
  require_v2_controller memory
  is_agentsafe || skip "about agentsafe"
  edit '.linux.resources.memory = {limit: 4096}'
  run_bundle
  refuses_briefly
  complains "container init was OOM-killed (memory limit too low?)"
  no_leftovers
}

@test "on v2 memory.oom.group kills all of the container at once" {
  require_v2_controller memory
  script 'sleep 300 & echo $! >/tmp/pid; (read -r go </tmp/go; exec dd if=/dev/zero of=/dev/null bs=200M) & wait; exec sleep 300' \
    '.linux.resources.memory = {limit: 33554432} | .linux.resources.unified = {"memory.oom.group": "1", "memory.swap.max": "0"}'
  mkfifo "$ROOTFS/tmp/go"
  launch
  equal 1 "$(cgroup_value x memory.oom.group)"
  eventually file_says "$ROOTFS/tmp/pid" .
  echo >"$ROOTFS/tmp/go"
  await_status stopped
}

@test "on v2 events shows pressure and what the controllers count" {
  require_v2_controller memory
  is_agentsafe || skip "about agentsafe"
  [ -e /proc/pressure/cpu ] || skip "the kernel has no PSI"
  launch
  run_rt events --stats "$CID"
  succeeded
  jq -e '.data | (.cpu.psi.some.total >= 0) and (.memory.psi.full.avg10 >= 0) and (.blkio.psi.some.avg300 >= 0)
    and (.memory.raw.anon >= 0) and (.cpu.usage.total > 0)' <<<"$output" >/dev/null
}

@test "what cgroup v2 has no setting for is ignored with a warning" {
  require_v2
  is_agentsafe || skip "others say nothing"
  command_is true
  edit '.linux.resources.network = {classID: 7} | .linux.resources.memory = {swappiness: 10}'
  run_bundle
  succeeded
  complains network.classID
  complains memory.swappiness
}
