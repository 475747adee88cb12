# What concerns the engine as a whole: one at a time, last.
for claim in $(claims_of "$file"); do ONLY_SUT[$claim]=yes; done

case_the_runtime_under_test_is_the_default() { is sut d info -f '{{.DefaultRuntime}}'; }

case_containers_live_through_a_restart_of_the_engine() {
  idle a
  await log_has a ready
  local pid
  pid=$(inspect a '{{.State.Pid}}')
  sed -i 's/"live-restore": false/"live-restore": true/' "$ENGINE/daemon.json"
  kill -HUP "$(cat "$ENGINE/dockerd.pid")"
  await eval "d info -f '{{.LiveRestoreEnabled}}' | grep -q true"
  kill "$(cat "$ENGINE/dockerd.pid")"
  await is_gone "$(cat "$ENGINE/dockerd.pid")"
  is_gone "$pid" && fail "the container died with the engine"
  (start_dockerd) || fail "the engine did not come back: $(tail -n 5 "$ENGINE/dockerd.log")"
  is "$pid running" inspect a '{{.State.Pid}} {{.State.Status}}'
  is alive in_container a echo alive
  d stop -t 20 "$ME-a"
  is 143 inspect a '{{.State.ExitCode}}'
}

case_the_engine_stops_containers_when_it_stops() {
  sed -i 's/"live-restore": true/"live-restore": false/' "$ENGINE/daemon.json"
  kill -HUP "$(cat "$ENGINE/dockerd.pid")"
  await eval "d info -f '{{.LiveRestoreEnabled}}' | grep -q false"
  idle a
  await log_has a ready
  kill "$(cat "$ENGINE/dockerd.pid")"
  await is_gone "$(cat "$ENGINE/dockerd.pid")"
  (start_dockerd) || fail "the engine did not come back: $(tail -n 5 "$ENGINE/dockerd.log")"
  is "exited 143" inspect a '{{.State.Status}} {{.State.ExitCode}}'
}
