load helpers

@test "pause stops every process and resume lets them go on" {
  script 'n=0; while :; do n=$((n + 1)); echo $n >/tmp/count; usleep 1000; done'
  launch
  eventually test -s "$ROOTFS/tmp/count"
  run_rt pause "$CID"
  succeeded
  silent
  equal paused "$(status)"
  local before
  before=$(cat "$ROOTFS/tmp/count")
  sleep 0.1
  equal "$before" "$(cat "$ROOTFS/tmp/count")"
  run_rt resume "$CID"
  succeeded
  equal running "$(status)"
  eventually count_differs "$before"
}
count_differs() { [ "$(cat "$ROOTFS/tmp/count")" != "$1" ]; }

@test "pause refuses a stopped container, resume one that is not paused" {
  launch
  run_rt resume "$CID"
  is_crun || failed 1
  rt kill "$CID" KILL
  await_status stopped
  run_rt pause "$CID"
  failed 1
}

@test "pause of a missing container says so" {
  run_rt pause missing
  failed 1
  complains "does not exist"
  run_rt resume missing
  failed 1
  complains "does not exist"
}

@test "a paused container shows as paused in list" {
  launch
  rt pause "$CID"
  equal paused "$(rt list --format json | jq -r '.[0].status')"
  rt resume "$CID"
}

@test "a created container can be paused" {
  create
  run_rt pause "$CID"
  succeeded
  equal paused "$(status)"
  rt resume "$CID"
  equal created "$(status)"
}
