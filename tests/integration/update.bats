load helpers
value() { if on_cgroup_v2; then cgroup_value x "$2"; else cgroup_value "${1%%/*}" "${1#*/}"; fi; }
need() { if on_cgroup_v2; then require_v2_controller "$1"; else require_v1_controller "$1"; fi; }
started() {
  edit '.linux.resources.memory = {limit: 33554432, reservation: 16777216} | .linux.resources.cpu = {shares: 100, quota: 20000, period: 100000}
    | .linux.resources.pids = {limit: 20}'
  launch
}

@test "update changes what its flags name and nothing else" {
  need memory
  started
  rt update --memory 67108864 "$CID"
  equal 67108864 "$(value memory/memory.limit_in_bytes memory.max)"
  equal 16777216 "$(value memory/memory.soft_limit_in_bytes memory.low)"
  equal 20 "$(value pids/pids.max pids.max)"
  rt update --pids-limit 10 "$CID"
  equal 10 "$(value pids/pids.max pids.max)"
  rt update --memory-reservation 33554432 "$CID"
  equal 33554432 "$(value memory/memory.soft_limit_in_bytes memory.low)"
  equal 67108864 "$(value memory/memory.limit_in_bytes memory.max)"
}

@test "update prints nothing" {
  need pids
  started
  run_rt update --pids-limit 15 "$CID"
  succeeded
  silent
}

@test "memory takes units, and -1 lifts it" {
  need memory
  is_crun && skip "crun takes no units"
  started
  rt update --memory 64M "$CID"
  equal 67108864 "$(value memory/memory.limit_in_bytes memory.max)"
  rt update --memory 1g "$CID"
  equal 1073741824 "$(value memory/memory.limit_in_bytes memory.max)"
  rt update --memory -1 "$CID"
  if on_cgroup_v2; then equal max "$(cgroup_value x memory.max)"; else (( $(cgroup_value memory memory.limit_in_bytes) > 1099511627776 )); fi
}

@test "cpu quota and period may be set alone" {
  need cpu
  started
  rt update --cpu-quota 30000 "$CID"
  if on_cgroup_v2; then equal "30000 100000" "$(cgroup_value x cpu.max)"; else equal "30000 100000" "$(cgroup_value cpu cpu.cfs_quota_us) $(cgroup_value cpu cpu.cfs_period_us)"; fi
  rt update --cpu-period 60000 "$CID"
  if on_cgroup_v2; then equal "30000 60000" "$(cgroup_value x cpu.max)"; else equal "30000 60000" "$(cgroup_value cpu cpu.cfs_quota_us) $(cgroup_value cpu cpu.cfs_period_us)"; fi
  rt update --cpu-share 200 "$CID"
  on_cgroup_v2 || equal 200 "$(cgroup_value cpu cpu.shares)"
}

@test "cpu burst and idle are set" {
  is_agentsafe || skip "too old"
  need cpu
  started
  rt update --cpu-burst 5000 "$CID"
  equal 5000 "$(value cpu/cpu.cfs_burst_us cpu.max.burst)"
  rt update --cpu-idle 1 "$CID"
  equal 1 "$(value cpu/cpu.idle cpu.idle)"
}

@test "cpuset is changed" {
  need cpuset
  [ "$(nproc)" -gt 1 ] || skip "the host has one CPU"
  launch
  rt update --cpuset-cpus 1 "$CID"
  equal 1 "$(value cpuset/cpuset.cpus cpuset.cpus)"
  equal 1 "$(awk '/Cpus_allowed_list/ {print $2}' "/proc/$(pid_of)/status")"
}

@test "resources come from a file and from stdin" {
  need pids
  started
  echo '{"pids": {"limit": 14}}' >"$WORK/resources.json"
  rt update --resources "$WORK/resources.json" "$CID"
  equal 14 "$(value pids/pids.max pids.max)"
  echo '{"pids": {"limit": 16}}' | rt update --resources - "$CID"
  equal 16 "$(value pids/pids.max pids.max)"
  echo '{"pids": {"limit": 18}}' | rt update --resources=- "$CID"
  equal 18 "$(value pids/pids.max pids.max)"
  echo '{"pids": {"limit": 19}}' | rt update -r - "$CID"
  equal 19 "$(value pids/pids.max pids.max)"
}

@test "a malformed file changes nothing" {
  need pids
  started
  echo '{"pids": {"limit": ' >"$WORK/resources.json"
  run_rt update --resources "$WORK/resources.json" "$CID"
  failed 1
  equal 20 "$(value pids/pids.max pids.max)"
}

@test "a failing update rolls back what it had changed" {
  is_agentsafe || skip "others do not"
  need cpuset
  started
  echo '{"pids": {"limit": 11}, "memory": {"limit": 50331648}, "cpu": {"cpus": "4095"}}' >"$WORK/resources.json"
  run_rt update --resources "$WORK/resources.json" "$CID"
  failed 1
  equal 20 "$(value pids/pids.max pids.max)"
  equal 33554432 "$(value memory/memory.limit_in_bytes memory.max)"
}

@test "the new values outlive the update and are seen by the next one" {
  need memory
  started
  rt update --memory 67108864 "$CID"
  rt update --pids-limit 9 "$CID"
  equal 67108864 "$(value memory/memory.limit_in_bytes memory.max)"
  equal 9 "$(value pids/pids.max pids.max)"
}

@test "update works on a created and a paused container, not on a stopped one" {
  need pids
  edit '.linux.resources.pids = {limit: 20}'
  create
  rt update --pids-limit 8 "$CID"
  equal 8 "$(value pids/pids.max pids.max)"
  start
  rt pause "$CID"
  rt update --pids-limit 7 "$CID"
  equal 7 "$(value pids/pids.max pids.max)"
  equal paused "$(status)"
  rt resume "$CID"
  rt kill "$CID" KILL
  await_status stopped
  run_rt update --pids-limit 6 "$CID"
  is_crun || failed 1
}

@test "hidden kernel memory flags are accepted" {
  is_agentsafe || skip "runc 1.1.5 takes them too, but v1 refuses"
  started
  run_rt update --kernel-memory 1000000 --kernel-memory-tcp 1000000 "$CID"
  succeeded
}

@test "update of a missing container fails" {
  run_rt update --pids-limit 5 missing
  failed 1
  complains "does not exist"
}

@test "unified values of v2 are updated" {
  require_v2
  started
  echo '{"unified": {"pids.max": "33"}}' | rt update --resources - "$CID"
  equal 33 "$(cgroup_value x pids.max)"
}

@test "flags of what this host lacks are errors that change nothing" {
  is_agentsafe || skip "about agentsafe"
  need pids
  started
  local flag
  if [ ! -e /sys/fs/resctrl/schemata ]; then
    for flag in --l3-cache-schema=L3:0=f --mem-bw-schema=MB:0=50; do
      run_rt update $flag --pids-limit 5 "$CID"
      refuses_briefly || { echo "with $flag"; return 1; }
      complains linux.intelRdt
      equal 20 "$(value pids/pids.max pids.max)"
    done
  fi
  if ! on_cgroup_v2 && [ ! -e /sys/fs/cgroup/cpu/cpu.rt_runtime_us ]; then
    for flag in --cpu-rt-period=1000000 --cpu-rt-runtime=10000; do
      run_rt update $flag --pids-limit 5 "$CID"
      refuses_briefly || { echo "with $flag"; return 1; }
      complains cpu.rt_
      equal 20 "$(value pids/pids.max pids.max)"
    done
  fi
}
