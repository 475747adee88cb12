load helpers
setup() { is_crun && skip "crun has no events"; setup_bundle; }
teardown() { is_crun || finish; }

@test "events --stats prints one line of figures" {
  launch
  run_rt events --stats "$CID"
  succeeded
  equal 1 "${#lines[@]}"
  equal stats "$(jq -r .type <<<"$output")"
  equal "$CID" "$(jq -r .id <<<"$output")"
  jq -e '.data.cpu.usage.total > 0 and .data.pids.current == 1 and .data.memory.usage.usage > 0' <<<"$output" >/dev/null
}

@test "events has the members of runc's, in its order" {
  is_crun && skip "crun has no events"
  launch
  run_rt events --stats "$CID"
  succeeded
  equal '["cpu","cpuset","memory","pids","blkio","hugetlb","intel_rdt","network_interfaces"]' "$(jq -c '.data | keys_unsorted' <<<"$output")"
  equal null "$(jq -c .data.network_interfaces <<<"$output")"
}

@test "events shows the limits that were set" {
  edit '.linux.resources.pids = {limit: 33} | .linux.resources.memory = {limit: 33554432}'
  launch
  run_rt events --stats "$CID"
  succeeded
  equal 33 "$(jq .data.pids.limit <<<"$output")"
  equal 33554432 "$(jq .data.memory.usage.limit <<<"$output")"
}

@test "events --interval repeats and ends with the container" {
  launch
  spawn_rt events --interval 100ms "$CID"
  eventually two_lines
  rt kill "$CID" KILL
  is_runc || ends_with 0 "$RUNNER" # runc 1.1.5 does not end on v1
  jq -e . "$WORK/out" >/dev/null
}
two_lines() { [ "$(wc -l <"$WORK/out")" -ge 2 ]; }

@test "events reports an oom kill" {
  if on_cgroup_v2; then require_v2_controller memory; else require_v1_controller memory; fi
  script 'read -r go </tmp/go; exec dd if=/dev/zero of=/dev/null bs=200M' \
    '.linux.resources.memory = {limit: 16777216, swap: 16777216} | .process.args[2] = $text'
  mkfifo "$ROOTFS/tmp/go"
  launch
  spawn_rt events --interval 100ms "$CID"
  eventually file_says "$WORK/out" stats
  echo >"$ROOTFS/tmp/go"
  await_line '"type":"oom"'
  await_status stopped
}

@test "events refuses a stopped and a missing container, and a bad interval" {
  run_rt events --stats missing
  failed 1
  complains "does not exist"
  script true
  launch
  await_status stopped
  run_rt events --stats "$CID"
  failed 1
  run_rt events --interval 0s "$CID"
  failed 1
}
