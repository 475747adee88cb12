# Verbs on a running container.

case_logs_show_both_streams() {
  up a bb sh -c 'echo out; echo err >&2'
  await state_is a exited
  is "out" eval 'd logs $ME-a 2>/dev/null'
  is "err" eval 'd logs $ME-a 2>&1 >/dev/null'
}

case_ten_megabytes_pass_through_logs() {
  up a bb sh -c 'yes "$(printf %0999d 0)" | head -c 10000000' # each line is a record: 625 000 of them took minutes when emulated
  await state_is a exited
  is 10000000 eval 'd logs $ME-a | wc -c'
}

case_stop_sends_the_stop_signal_and_waits() {
  idle a
  await log_has a ready
  d stop -t 20 "$ME-a"
  is 143 inspect a '{{.State.ExitCode}}'
  has 'got TERM' d logs "$ME-a"
}

case_the_stop_signal_can_be_chosen() {
  idle a --stop-signal HUP --stop-timeout 20
  await log_has a ready
  d stop "$ME-a"
  is 7 inspect a '{{.State.ExitCode}}'
}

case_stop_kills_who_does_not_listen() {
  up a bb sh -c 'trap "" TERM; echo ready; while :; do sleep 1; done'
  await log_has a ready
  d stop -t 1 "$ME-a"
  is 137 inspect a '{{.State.ExitCode}}'
}

case_kill_sends_any_signal_by_name_and_number() {
  idle a
  await log_has a ready
  d kill -s USR1 "$ME-a"
  await log_has a 'got USR1'
  is running inspect a '{{.State.Status}}'
  d kill -s 2 "$ME-a"
  await state_is a exited
  is 130 inspect a '{{.State.ExitCode}}'
  refused 1 'is not running' d kill "$ME-a"
}

case_kill_ends_all_processes_of_the_container() {
  up a bb sh -c 'sleep 4711 & sleep 4712 & echo ready; wait'
  await log_has a ready
  d kill "$ME-a"
  await state_is a exited
  is 137 inspect a '{{.State.ExitCode}}'
}

case_kill_ends_all_processes_with_the_hosts_pids() {
  up a --pid host bb sh -c "sleep 47.$number.$RT & sleep 4000$number & echo ready; wait"
  await log_has a ready
  d kill "$ME-a"
  await state_is a exited
  eventually 10 none_sleeps "4000$number" || fail "a process was left"
}
# Under both runtimes the same argument is used: the last to end decides.
none_sleeps() { ! grep -lqsz "^$1$" /proc/[0-9]*/cmdline; }

case_restart_starts_afresh() {
  idle a
  await log_has a ready
  local before
  before=$(inspect a '{{.State.Pid}}')
  d restart -t 20 "$ME-a"
  await state_is a running
  [ "$before" != "$(inspect a '{{.State.Pid}}')" ]
  await eval 'd logs $ME-a | grep -c ready | grep -qx 2'
}

case_a_stopped_container_starts_again_with_its_files() {
  up a bb sh -c 'echo again >>/count; cat /count'
  await state_is a exited
  is again eval 'd logs $ME-a'
  is $'again\nagain' d start -a "$ME-a"
}

case_pause_freezes_and_unpause_thaws() {
  up a bb sh -c 'i=0; while :; do i=$((i+1)); echo $i >/tmp/new; mv /tmp/new /tmp/count; sleep 0.05; done'
  await in_container a test -s /tmp/count
  d pause "$ME-a"
  is paused inspect a '{{.State.Status}}'
  refused 1 'is paused' in_container a true
  local at pid
  pid=$(inspect a '{{.State.Pid}}')
  at=$(cat "/proc/$pid/root/tmp/count")
  sleep 0.3
  [ "$at" = "$(cat "/proc/$pid/root/tmp/count")" ] || fail "it ran on while paused"
  refused 1 'already paused' d pause "$ME-a"
  d unpause "$ME-a"
  is running inspect a '{{.State.Status}}'
  await eval '[ "$(in_container a cat /tmp/count)" != '"$at"' ]'
}

case_a_paused_container_can_be_removed() {
  idle a
  d pause "$ME-a"
  d rm -f "$ME-a"
  refused 1 'no such' d inspect "$ME-a"
}

case_rm_refuses_a_running_container_unless_forced() {
  idle a
  refused 1 'running container|container is running' d rm "$ME-a"
  d rm -f "$ME-a"
  refused 1 'no such' d inspect "$ME-a"
}

case_run_rm_leaves_nothing() {
  is done run --name "$ME-gone" bb echo done
  await eval '! d inspect $ME-gone >/dev/null 2>&1'
}

case_a_container_that_failed_to_start_can_be_removed_and_its_name_used_again() {
  refused 127 'no such file' d run --runtime "$RT" --name "$ME-a" bb /no/such
  is created inspect a '{{.State.Status}}'
  d rm "$ME-a"
  is ok run --name "$ME-a" bb echo ok
}

case_wait_prints_the_status() {
  up a bb sh -c 'exit 17'
  is 17 d wait "$ME-a"
}

case_rename_keeps_it_running() {
  idle a
  d rename "$ME-a" "$ME-b"
  is running inspect b '{{.State.Status}}'
  is idle in_container b cat /proc/1/comm
}

case_top_lists_the_processes() {
  idle a
  await log_has a ready
  has 'sleep 3600' d top "$ME-a"
  has '/bin/idle' d top "$ME-a" -eo pid,args
}

case_stats_shows_figures() {
  idle a -m 64m
  d stats --no-stream --format '{{.MemUsage}} {{.PIDs}}' "$ME-a" >"$DIR/stats"
  grep -qE '^[0-9.]+[KM]iB / 64MiB [1-9]' "$DIR/stats" || fail "$(cat "$DIR/stats")"
}

events_since() { d events --since "$1" --until "$(date +%s.%N)" --filter "container=$ME-a" --format '{{.Action}}'; }
case_events_tell_the_life_of_a_container() {
  local since
  since=$(date +%s)
  run --name "$ME-a" bb true
  await eval '! d inspect $ME-a >/dev/null 2>&1'
  await eval "events_since $since | grep -q destroy"
  events_since "$since"
}

case_a_signal_to_the_client_is_passed_on() {
  $(docker_words) run --runtime "$RT" --name "$ME-a" bb idle >"$DIR/out" &
  local client=$! code=0
  await grep -q ready "$DIR/out"
  kill -HUP "$client"
  wait "$client" || code=$?
  is 7 echo "$code"
  has 'got HUP' cat "$DIR/out"
}

case_restart_on_failure_gives_up_after_the_count() {
  up a --restart on-failure:2 bb sh -c 'exit 5'
  await eval '[ "$(inspect a "{{.RestartCount}} {{.State.Status}}")" = "2 exited" ]'
  is 5 inspect a '{{.State.ExitCode}}'
}

case_restart_always_brings_it_back() {
  idle a --restart always
  await log_has a ready
  local pid
  pid=$(inspect a '{{.State.Pid}}')
  kill -KILL "$pid"
  await eval '[ "$(inspect a "{{.RestartCount}} {{.State.Status}}")" = "1 running" ]'
}

case_health_is_checked_in_the_container() {
  up a --health-cmd 'test -e /well' --health-interval 200ms --health-retries 2 bb sh -c 'echo ready; idle'
  await eval '[ "$(inspect a "{{.State.Health.Status}}")" = unhealthy ]'
  in_container a touch /well
  await eval '[ "$(inspect a "{{.State.Health.Status}}")" = healthy ]'
}

case_cp_goes_both_ways() {
  idle a
  echo inward >"$DIR/in"
  d cp "$DIR/in" "$ME-a:/tmp/in"
  is inward in_container a cat /tmp/in
  in_container a sh -c 'mkdir /tmp/dir; echo outward >/tmp/dir/out; ln -s out /tmp/dir/link'
  d cp "$ME-a:/tmp/dir" "$DIR/dir"
  is outward cat "$DIR/dir/link"
}

case_commit_makes_an_image_of_it() {
  idle a
  in_container a sh -c 'echo committed >/made'
  d commit --change 'CMD ["cat", "/made"]' "$ME-a" "$ME-image" >/dev/null
  is committed run "$ME-image"
  d rmi "$ME-image" >/dev/null
}

case_diff_and_export_see_the_files() {
  idle a
  in_container a touch /new
  has '^A /new$' d diff "$ME-a"
  has '^new$' eval 'd export $ME-a | tar t'
}
